;; One request in the default configuration of (web client).
(use-modules (web client) (ice-9 receive))
(receive (response body) (http-get (cadr (command-line)))
  (display body))
