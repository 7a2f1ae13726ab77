// node client.js ADDRESS: what @grpc/grpc-js gets of our server, one line of JSON a question.
'use strict';
const grpc = require('@grpc/grpc-js');
const { service } = require('./messages');

const Echo = grpc.makeGenericClientConstructor(service, 'echo.Echo');
const client = new Echo(process.argv[2], grpc.credentials.createInsecure());

function ask(text, deadline = 10000, to = client) {
  return new Promise((done) => to.Echo(text, { deadline: Date.now() + deadline }, (error, answer) =>
    done(error ? { status: grpc.status[error.code], text: error.details } : { status: 'OK', same: answer === text })));
}

async function main() {
  const say = (name, what) => console.log(JSON.stringify({ name, ...what }));
  say('plain', await ask('Hello'));
  say('utf8', await ask('é\0\u{1f600}'));
  say('long', await ask('x'.repeat(3000000)));
  say('too long', await ask('x'.repeat(5000000)));
  const many = await Promise.all(Array.from({ length: 300 }, (_, i) => ask(String(i))));
  say('many', { status: many.every((one) => one.status === 'OK' && one.same) ? 'OK' : 'some failed' });
  const gzip = new Echo(process.argv[2], grpc.credentials.createInsecure(), { 'grpc.default_compression_algorithm': 2 });
  say('gzip', await ask('x'.repeat(10000), 10000, gzip));
  const unknown = new (grpc.makeGenericClientConstructor({ Echo: { ...service.Echo, path: '/a.B/C' } }, 'a.B'))(
    process.argv[2], grpc.credentials.createInsecure());
  say('unknown', await ask('x', 10000, unknown));
  for (const one of [client, gzip, unknown]) one.close();
}
main();
