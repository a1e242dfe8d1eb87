# One request in the default configuration of a library.
use strict;
my ($library, $url, $host, $port, $token) = @ARGV;
my $request = "GET /$token HTTP/1.0\r\nHost: $host\r\n\r\n";
if ($library eq 'LWP') {
    require LWP::UserAgent;
    my $r = LWP::UserAgent->new(timeout => 10, env_proxy => 1)->get($url);
    die $r->status_line, "\n" unless $r->is_success;
    print $r->decoded_content;
} elsif ($library eq 'HTTP::Tiny') {
    require HTTP::Tiny;
    my $r = HTTP::Tiny->new(timeout => 10)->get($url);
    die "$r->{status} $r->{content}\n" unless $r->{success};
    print $r->{content};
} elsif ($library eq 'IO::Socket::SSL') {
    require IO::Socket::SSL;
    my $s = IO::Socket::SSL->new(PeerHost => $host, PeerPort => $port, Timeout => 10)
        or die IO::Socket::SSL::errstr(), "\n";
    print $s $request;
    print while <$s>;
} elsif ($library eq 'Mojo') {
    require Mojo::UserAgent;
    my $ua = Mojo::UserAgent->new(connect_timeout => 10, request_timeout => 10, max_redirects => 3);
    $ua->proxy->detect;
    print $ua->get($url)->result->body;
} elsif ($library eq 'Net::SSLeay') {
    require Net::SSLeay;
    my ($page, $answer) = Net::SSLeay::get_https($host, $port, "/$token");
    die "no answer\n" unless defined $page && $answer =~ / 200 /;
    print $page;
}
