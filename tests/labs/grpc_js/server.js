// node server.js: an Echo of @grpc/grpc-js, which prints its port and ends with its standard input.
'use strict';
const grpc = require('@grpc/grpc-js');
const { service } = require('./messages');

const server = new grpc.Server();
server.addService(service, {
  Echo(call, done) {
    if (call.request === 'fail') done({ code: grpc.status.ABORTED, details: 'nämlich 100 %' });
    else if (call.request !== 'never') done(null, call.request);
  },
});
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
process.stdin.on('end', () => server.forceShutdown()).resume();
