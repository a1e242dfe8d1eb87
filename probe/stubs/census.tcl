# Says what this Tcl has, a line for each thing.
puts "program\t[info nameofexecutable]\nversion\t[info patchlevel]"
if {![catch {package require tls} v] && ![catch {package require http}]} {
    puts "module\ttls\t$v\nlibrary\t[tls::version]"
}
