# One request in the default configuration of a library.
library, url, = ARGV
require 'uri'
case library
when 'Net::HTTP'
  require 'net/http'
  u = URI(url)
  h = Net::HTTP.new(u.host, u.port)
  h.use_ssl = true
  h.open_timeout = h.read_timeout = 10
  print h.get(u.path).body
when 'open-uri'
  require 'open-uri'
  print URI.parse(url).open(open_timeout: 10, read_timeout: 10).read
end
