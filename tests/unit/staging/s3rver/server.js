// Runs s3rver, which checks signatures of version 4, on a free port of loopback with the bucket
// "tradewind", until its input ends, and tells "PORT ID SECRET". What lies below broken/ there comes
// over a line that breaks after each MiB.
'use strict';

const { mkdtempSync, rmSync } = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const S3rver = require('@20minutes/s3rver');
const { DUMMY_ACCOUNT } = require('@20minutes/s3rver/lib/models/account');

const breaksAfter = 1 << 20;

function breakLine(response) {
  let left = breaksAfter;
  const write = response.write.bind(response);
  response.write = (chunk, ...more) => {
    if (left <= 0) return false;
    left -= chunk.length;
    return left > 0 ? write(chunk, ...more) : write(chunk, () => response.destroy());
  };
}

async function main() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tradewind-s3-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  process.stdin.on('end', () => process.exit(0)).resume();
  const s3rver = new S3rver({
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: [{ name: 'tradewind' }],
  });
  await s3rver.configureBuckets();
  const answer = s3rver.callback();
  const server = http.createServer((request, response) => {
    if (request.method === 'GET' && request.url.startsWith('/tradewind/broken/')) {
      breakLine(response);
    }
    answer(request, response);
  });
  server.listen(0, '127.0.0.1', () => {
    const [[id, secret]] = DUMMY_ACCOUNT.accessKeys;
    console.log(server.address().port, id, secret);
  });
}

main();
