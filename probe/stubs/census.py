# Says what an interpreter has, a line for each thing. Python 2.7 and 3.
import sys


def say(*words):
    print("\t".join(str(w).replace("\t", " ").replace("\n", " ") for w in words))


say("program", sys.executable)
say("version", ".".join(str(n) for n in sys.version_info[:3]))
say("module", "http.client", "")
try:
    import ssl
    say("library", ssl.OPENSSL_VERSION)
    paths = ssl.get_default_verify_paths()
    for path in (paths.openssl_cafile, paths.openssl_capath):
        if path:
            say("store", path)
    if hasattr(ssl, "wrap_socket"):
        say("module", "ssl.wrap_socket", "")
except Exception:
    sys.exit("no module ssl")
for name, kind, method in (("imaplib", "IMAP4", "starttls"), ("poplib", "POP3", "stls")):
    if hasattr(getattr(__import__(name), kind), method):
        say("module", kind + "." + method, "")
for name in ("asyncio", "requests", "urllib3", "aiohttp", "httpx", "httplib2", "tornado", "pycurl", "pip"):
    try:
        module = __import__(name)
    except BaseException:
        continue
    say("module", name, getattr(module, "__version__", getattr(module, "version", "")))
for name in ("certifi", "pip._vendor.certifi", "httplib2.certs"):
    try:
        __import__(name)
        say("store", sys.modules[name].where())
    except BaseException:
        pass
