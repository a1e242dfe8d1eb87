// One request in the default configuration of a library.
const [library, url, host, port, token] = process.argv.slice(2);
const fail = (e) => { console.error(String((e.cause && e.cause.code) || e.code || e), e.message); process.exit(1); };
setTimeout(() => fail(new Error('no answer in 10 s')), 10000).unref();
if (library === 'fetch') {
  fetch(url).then((r) => r.text()).then((t) => console.log(t), fail);
} else if (library === 'tls') {
  const s = require('tls').connect({host, port: Number(port), servername: /^[\d.]+$/.test(host) ? '' : host}, () => s.write(`GET /${token} HTTP/1.0\r\n\r\n`));
  s.on('data', (d) => process.stdout.write(d)).on('error', fail);
} else {
  require('https').get(url, (r) => r.pipe(process.stdout)).on('error', fail);
}
