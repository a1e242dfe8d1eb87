# Says what this Perl has, a line for each thing.
use strict;
printf "program\t%s\nversion\t%vd\n", $^X, $^V;
for my $m ('LWP::UserAgent', 'HTTP::Tiny', 'IO::Socket::SSL', 'Mojo::UserAgent', 'Net::SSLeay', 'LWP::Protocol::https', 'Mozilla::CA') {
    no warnings;
    next unless eval "require $m; 1";
    print "module\t$m\t", $m->VERSION // '', "\n";
    print "library\t", Net::SSLeay::SSLeay_version(0), "\n" if $m eq 'Net::SSLeay';
    print "store\t", Mozilla::CA::SSL_ca_file(), "\n" if $m eq 'Mozilla::CA';
}
