# One request in the default configuration of tls and http.
package require http
package require tls
http::register https 443 ::tls::socket
set t [http::geturl [lindex $argv 0] -timeout 10000]
if {[http::status $t] ne "ok"} {
    puts stderr [http::error $t]
    exit 1
}
puts [http::data $t]
