# Says what this Ruby has, a line for each thing.
require 'rbconfig'
puts "program\t#{RbConfig.ruby}", "version\t#{RUBY_VERSION}"
require 'openssl'
puts "library\t#{OpenSSL::OPENSSL_LIBRARY_VERSION}"
puts "store\t#{OpenSSL::X509::DEFAULT_CERT_FILE}", "store\t#{OpenSSL::X509::DEFAULT_CERT_DIR}"
