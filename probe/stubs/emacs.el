;; One request in the default configuration of url.el.
(require 'url)
(condition-case why
    (let ((buffer (url-retrieve-synchronously (car command-line-args-left) t t 10)))
      (unless buffer (kill-emacs 1))
      (princ (with-current-buffer buffer (buffer-string))))
  (error (message "%s" (error-message-string why)) (kill-emacs 1)))
