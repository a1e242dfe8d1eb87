<?php // One request in the default configuration of a library.
[, $library, $url, $host, $port, $token] = $argv;
$request = "GET /$token HTTP/1.0\r\nHost: $host\r\n\r\n";
ini_set('default_socket_timeout', '10');
switch ($library) {
case 'file_get_contents':
    $body = file_get_contents($url);
    break;
case 'stream_socket_client':
    $s = stream_socket_client("ssl://$host:$port", $number, $text, 10);
    $body = false;
    if ($s) {
        fwrite($s, $request);
        $body = stream_get_contents($s);
    }
    break;
case 'curl':
    $c = curl_init($url);
    curl_setopt_array($c, [CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 10, CURLOPT_FOLLOWLOCATION => true]);
    $body = curl_exec($c);
    if ($body === false) {
        fwrite(STDERR, curl_error($c) . "\n");
    }
    break;
}
if ($body === false) {
    exit(1);
}
echo $body;
