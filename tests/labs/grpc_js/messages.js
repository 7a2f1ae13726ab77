// EchoRequest and EchoResponse by hand: field 1, a string. So no file of the tests is generated.
'use strict';

function encode(text) {
  const body = Buffer.from(text, 'utf8');
  const size = [];
  for (let left = body.length; ; left = Math.floor(left / 128)) {
    size.push(left > 127 ? (left % 128) + 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([10, ...size]), body]);
}

function decode(bytes) {
  let at = 1;
  while (bytes[at] > 127) at++;
  return bytes.subarray(at + 1).toString('utf8');
}

const method = {
  path: '/echo.Echo/Echo', requestStream: false, responseStream: false,
  requestSerialize: encode, requestDeserialize: decode, responseSerialize: encode, responseDeserialize: decode,
};

module.exports = { service: { Echo: method } };
