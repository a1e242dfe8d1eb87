<?php // Says what this PHP has, a line for each thing.
echo "program\t", PHP_BINARY, "\nversion\t", PHP_VERSION, "\n";
if (defined('OPENSSL_VERSION_TEXT')) {
    echo "library\t", OPENSSL_VERSION_TEXT, "\nmodule\topenssl\t\n";
    $paths = openssl_get_cert_locations();
    echo "store\t", $paths['default_cert_file'], "\nstore\t", $paths['default_cert_dir'], "\n";
}
if (extension_loaded('curl')) {
    echo "module\tcurl\t", curl_version()['version'], "\n";
}
