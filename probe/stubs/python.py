# One request in the default configuration of a library. Python 2.7 and 3.
import signal
import socket
import sys

library, url, host, port, token = sys.argv[1:6]
port = int(port)
signal.alarm(12)  # asyncio of 3.6 never comes back from a handshake that failed
request = ("GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n" % (token, host)).encode()


def urllib():
    try:
        from urllib.request import urlopen
    except ImportError:
        from urllib2 import urlopen
    return urlopen(url, timeout=10).read()


def http_client():
    try:
        from http.client import HTTPSConnection
    except ImportError:
        from httplib import HTTPSConnection
    c = HTTPSConnection(host, port, timeout=10)
    c.request("GET", "/" + token)
    return c.getresponse().read()


def xmlrpc():
    try:
        from xmlrpc.client import ServerProxy
    except ImportError:
        from xmlrpclib import ServerProxy
    socket.setdefaulttimeout(10)
    return ServerProxy(url).system.listMethods()


def read_all(s):
    s.sendall(request)
    data = b""
    while True:
        try:
            more = s.recv(4096)
        except Exception:
            more = b""
        if not more:
            return data
        data += more


def ssl_context():
    import ssl
    s = socket.create_connection((host, port), 10)
    return read_all(ssl.create_default_context().wrap_socket(s, server_hostname=host))


def ssl_wrap_socket():
    import ssl
    return read_all(ssl.wrap_socket(socket.create_connection((host, port), 10)))


def asyncio_streams():
    import asyncio

    async_source = """
async def go():
    r, w = await asyncio.wait_for(asyncio.open_connection(host, port, ssl=True), 10)
    w.write(request)
    await w.drain()
    return await asyncio.wait_for(r.read(), 10)
"""
    scope = dict(asyncio=asyncio, host=host, port=port, request=request)
    exec(async_source, scope)
    return asyncio.get_event_loop_policy().new_event_loop().run_until_complete(scope["go"]())


def smtps():
    import smtplib
    s = smtplib.SMTP_SSL(host, port, local_hostname="probe", timeout=10)
    return s.ehlo(token)


def smtp():
    import smtplib
    s = smtplib.SMTP(host, port, local_hostname="probe", timeout=10)
    s.starttls()
    return s.ehlo(token)


def imaps():
    import imaplib
    socket.setdefaulttimeout(10)
    return imaplib.IMAP4_SSL(host, port).login(token, "x")


def imap():
    import imaplib
    socket.setdefaulttimeout(10)
    m = imaplib.IMAP4(host, port)
    m.starttls()
    return m.login(token, "x")


def pop3s():
    import poplib
    socket.setdefaulttimeout(10)
    return poplib.POP3_SSL(host, port).user(token)


def pop3():
    import poplib
    p = poplib.POP3(host, port, 10)
    p.stls()
    return p.user(token)


def ftps():
    import ftplib
    f = ftplib.FTP_TLS(timeout=10)
    f.connect(host, port)
    return f.login(token, "x")


def requests_get():
    import requests
    return requests.get(url, timeout=10).content


def urllib3_get():
    import urllib3
    return urllib3.PoolManager(retries=urllib3.Retry(2, connect=0, read=0, redirect=2), timeout=10).request("GET", url).data


def aiohttp_get():
    source = """
import asyncio, aiohttp
async def go():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as s:
        async with s.get(url) as r:
            return await r.read()
out = asyncio.new_event_loop().run_until_complete(go())
"""
    scope = dict(url=url)
    exec(source, scope)
    return scope["out"]


def httpx_get():
    import httpx
    return httpx.get(url, timeout=10).content


def httplib2_get():
    import httplib2
    return httplib2.Http(timeout=10).request(url)[1]


def tornado_get():
    from tornado.httpclient import HTTPClient
    return HTTPClient().fetch(url, connect_timeout=10, request_timeout=10).body


def pycurl_get():
    import io
    import pycurl
    out = io.BytesIO()
    c = pycurl.Curl()
    c.setopt(pycurl.URL, url)
    c.setopt(pycurl.TIMEOUT, 10)
    c.setopt(pycurl.FOLLOWLOCATION, 1)
    c.setopt(pycurl.WRITEDATA, out)
    c.perform()
    return out.getvalue()


table = {
    "urllib": urllib, "http.client": http_client, "xmlrpc": xmlrpc, "ssl": ssl_context, "ssl.wrap_socket": ssl_wrap_socket,
    "asyncio": asyncio_streams, "smtplib": smtps, "smtplib-starttls": smtp, "imaplib": imaps, "imaplib-starttls": imap,
    "poplib": pop3s, "poplib-starttls": pop3, "ftplib": ftps, "requests": requests_get, "urllib3": urllib3_get,
    "aiohttp": aiohttp_get, "httpx": httpx_get, "httplib2": httplib2_get, "tornado": tornado_get, "pycurl": pycurl_get,
}
try:
    print(table[library]())
except Exception as e:
    sys.exit("%s: %s" % (type(e).__name__, e))
