// Resolves the names of the stand-in's clusters in a node process, as DNS does on AWS:
// NODE_OPTIONS="--require …/src/pytest_dsql/link/names.cjs", where the stand-in's variables are exported.
'use strict';

const dns = require('node:dns');
const net = require('node:net');

const DOMAIN = '.on.aws';
const LIMIT_MS = 10_000;
const lookup = dns.lookup;

// The stand-in's clusters by name, as its handle tells them: one line of JSON asked, one answered.
function addresses() {
  return new Promise((resolve, reject) => {
    let answer = '';
    const handle = net.connect(process.env.DSQL_CONTROL, () => handle.write('{"do": "Addresses"}\n'));
    handle.setTimeout(LIMIT_MS, () => handle.destroy(new Error('the stand-in does not answer')));
    handle.on('error', reject);
    handle.on('data', (part) => {
      answer += part;
      if (!answer.includes('\n')) return;
      handle.destroy();
      resolve(JSON.parse(answer).result);
    });
  });
}

dns.lookup = function (name, options, callback) {
  if (typeof options === 'function') [options, callback] = [{}, options];
  const host = String(name).toLowerCase();
  if (!host.endsWith(DOMAIN) || !process.env.DSQL_CONTROL) return lookup(name, options, callback);
  addresses().then((known) => {
    if (!(host in known)) lookup(name, options, callback);
    else if (options.all) callback(null, [{ address: known[host], family: 4 }]);
    else callback(null, known[host], 4);
  }, callback);
};
