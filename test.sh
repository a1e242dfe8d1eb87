#!/usr/bin/env bash
# Runs every test of the project. Arguments are passed on to go test:
#
#	./test.sh -short            without the slow ones
#	./test.sh -run Search       some of them
#
# Tests compare with other programs and with real data where they are there,
# and skip with a line where they are not. With CI=true what is missing fails.
# WONTFIX_CORPUS is the folder with real data, ../shared/corpus if not set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf 'test.sh: %s\n' "$*" >&2; }

if ! command -v go >/dev/null; then
	say "go is not installed; see https://go.dev/doc/install"
	exit 1
fi

# The programs that tests ask for the right answer, with the package that has
# each in Debian and Ubuntu. The race detector needs a C compiler.
programs=(git:git bzip2:bzip2 brotli:brotli dpkg:dpkg perl:perl grep:grep ack:ack rg:ripgrep gcc:gcc shellcheck:shellcheck)

# The package managers whose order of versions and whose databases are compared,
# and the tools that make images.
programs+=(skopeo:skopeo umoci:umoci rpm:rpm rpmbuild:rpm db5.3_load:db5.3-util pacman:pacman-package-manager)

# The TLS clients that are probed, and the libraries of interpreters.
programs+=(
	aria2c:aria2 axel:axel busybox:busybox curl:curl debsecan:debsecan elinks:elinks emacs:emacs-nox escript:erlang-base gnutls-cli:gnutls-bin
	guile:guile-3.0 hg:mercurial http:httpie java:default-jdk-headless javac:default-jdk-headless lftp:lftp links:links lua5.3:lua5.3 lynx:lynx
	mcs:mono-mcs mono:mono-runtime ncat:ncat node:nodejs npm:npm openssl:openssl php:php-cli pypy3:pypy3 python3:python3 ruby:ruby socat:socat
	svn:subversion tclsh:tcl w3m:w3m wget:wget wget2:wget2
)
libraries=(
	ca-certificates ca-certificates-mono erlang-inets erlang-ssl guile-gnutls libio-socket-ssl-perl liblwp-protocol-https-perl libmojolicious-perl
	libnet-ssleay-perl lua-sec php-curl python3-aiohttp python3-httplib2 python3-httpx python3-pip python3-pycurl python3-requests python3-tornado
	python3-urllib3 tcl-tls
)

# lacking sets missing to the packages that are not installed.
lacking() {
	missing=()
	for p in "${programs[@]}"; do
		command -v "${p%%:*}" >/dev/null || missing+=("${p##*:}")
	done
	command -v dpkg-query >/dev/null || return 0
	for p in "${libraries[@]}"; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || missing+=("$p")
	done
}
lacking
if ((${#missing[@]})) && [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
	say "installing ${missing[*]}"
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" libc6-dev; } >/dev/null </dev/null; then
		say "apt-get has not installed them"
	fi
	lacking
fi
if ((${#missing[@]})); then
	say "not installed: ${missing[*]}; tests that ask them skip"
	[[ ${CI:-} != true ]] || exit 1
fi

WONTFIX_CORPUS=${WONTFIX_CORPUS:-$(realpath -m ../shared/corpus)}
export WONTFIX_CORPUS
if [[ ! -d $WONTFIX_CORPUS ]]; then
	say "no real data in $WONTFIX_CORPUS; tests that need it skip"
	[[ ${CI:-} != true ]] || exit 1
fi

if command -v shellcheck >/dev/null; then
	shellcheck test.sh .ci/run
fi

race=()
if command -v gcc >/dev/null && [[ $(go env CGO_ENABLED) == 1 ]]; then
	race=(-race)
else
	say "no C compiler: without the race detector"
fi
go vet ./...
exec go test -timeout 55m ${race[@]+"${race[@]}"} "$@" ./...
