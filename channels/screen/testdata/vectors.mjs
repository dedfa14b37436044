// Makes vectors.json: webhook requests signed by other people's libraries, so that they and not we say what is valid.
//
//   mkdir /tmp/vectors && cd /tmp/vectors
//   npm install --save-exact standardwebhooks@1.1.1 svix@1.99.1 @octokit/webhooks@14.2
//   node <this folder>/vectors.mjs > <this folder>/vectors.json
//
// Times are fixed, so two runs with the same versions give the same bytes. Every vector is also shown to the library's
// own verifier, at the vector's time; "theirs" is what that said. It is null where the verifier cannot be asked: it
// takes one value per header name. "want" is what we do; where both are there, they agree or this program fails.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const root = process.cwd();
const require = createRequire(root + '/x.js');
const version = (name) => JSON.parse(readFileSync(`${root}/node_modules/${name}/package.json`)).version;

const at = 1760000000; // seconds; the time at which everything is signed
const body = JSON.stringify({ id: 'msg-1', sender: 'bob@example.com', text: 'grüß dich 👋 "you" <&>', n: 1.0 });
const reEncoded = JSON.stringify(JSON.parse(body), null, 2);
const flipBody = (s) => s.replace('msg-1', 'msg-0'); // '1' and '0' differ in one bit
const flipText = (s) => { // one bit of the character in the middle, staying inside the alphabet of hex and base64
  const i = s.length - 20, c = s.charCodeAt(i);
  for (const bit of [1, 2, 4]) {
    const d = String.fromCharCode(c ^ bit);
    if (/[0-9a-f]/.test(d)) return s.slice(0, i) + d + s.slice(i + 1);
  }
  return s.slice(0, i) + (s[i] === 'A' ? 'B' : 'A') + s.slice(i + 1);
};

const realNow = Date.now;
const atTime = (seconds, ask) => {
  Date.now = () => seconds * 1000;
  try { ask(); return true; } catch { return false; } finally { Date.now = realNow; }
};

const vectors = [];
const add = (v) => {
  if (v.theirs !== null && v.theirs !== v.want) throw new Error(`${v.signer}: ${v.name}: theirs ${v.theirs}, ours ${v.want}`);
  vectors.push(v);
};

// family: the prefix of the header names.
function standard(signer, Webhook, family, secret, otherSecret) {
  const id = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W';
  const other = new Webhook(otherSecret).sign(id, new Date(at * 1000), body);
  const sign = (seconds, payload) => new Webhook(secret).sign(id, new Date(seconds * 1000), payload);
  const headers = (seconds, signature) =>
    [[family + 'id', id], [family + 'timestamp', String(seconds)], [family + 'signature', signature]];
  const one = (name, want, now, h, payload, keys = [secret]) => {
    const twice = new Set(h.map(([k]) => k)).size !== h.length;
    const theirs = twice || keys.length > 1 ? null :
      atTime(now, () => new Webhook(keys[0]).verify(payload, Object.fromEntries(h)));
    add({ name, signer, scheme: 'standard-webhooks', secrets: keys, now, headers: h, body: payload, want, theirs });
  };
  const good = headers(at, sign(at, body)), sig = good[2];
  one('a good request is accepted', true, at, good, body);
  one('a request five minutes old is accepted', true, at + 300, good, body);
  one('the same request again inside the window is accepted, for the journal knows it', true, at + 60, good, body);
  one('the same request again after the window is refused', false, at + 301, good, body);
  one('a request of an hour ago is refused', false, at, headers(at - 3600, sign(at - 3600, body)), body);
  one('a request from the future is refused', false, at, headers(at + 301, sign(at + 301, body)), body);
  one('a time stamp renewed without signing is refused', false, at + 3600, headers(at + 3600, sig[1]), body);
  one('one bit changed in the body is refused', false, at, good, flipBody(body));
  one('one bit changed in the signature is refused', false, at, headers(at, flipText(sig[1])), body);
  one('the body encoded anew is refused', false, at, good, reEncoded);
  one('another id with the same signature is refused', false, at, [[family + 'id', 'msg_other'], good[1], sig], body);
  one('the secret of somebody else is refused', false, at, headers(at, other), body);
  one('two signatures in one header are accepted when one of them fits', true, at, headers(at, other + ' ' + sig[1]), body);
  one('a secret in rotation is accepted', true, at, good, body, [otherSecret, secret]);
  one('a signature header there twice is refused', false, at, [...good, sig], body);
  one('a second signature header that is wrong is refused', false, at, [...good, [family + 'signature', other]], body);
  one('a time stamp header there twice is refused', false, at, [...good, good[1]], body);
  one('a request without signature is refused', false, at, good.slice(0, 2), body);
  one('a time stamp that is no number is refused', false, at, [good[0], [family + 'timestamp', 'now'], sig], body);
}

async function octokit() {
  const { sign, verify } = await import(pathToFileURL(root + '/node_modules/@octokit/webhooks-methods/dist-node/index.js'));
  const secret = "It's a Secret to Everybody", name256 = 'X-Hub-Signature-256';
  const one = async (name, want, h, payload, keys = [secret]) => {
    const theirs = h.length !== 1 || keys.length > 1 ? null : await verify(keys[0], payload, h[0][1]);
    add({ name, signer: '@octokit/webhooks-methods', scheme: 'hmac-sha256', secrets: keys, now: at, headers: h, body: payload, want, theirs });
  };
  const sig = await sign(secret, body), other = await sign('another', body);
  await one('a good request is accepted', true, [[name256, sig]], body);
  await one('one bit changed in the body is refused', false, [[name256, sig]], flipBody(body));
  await one('one bit changed in the signature is refused', false, [[name256, flipText(sig)]], body);
  await one('the body encoded anew is refused', false, [[name256, sig]], reEncoded);
  await one('the secret of somebody else is refused', false, [[name256, other]], body);
  await one('a signature without its prefix is refused', false, [[name256, sig.slice('sha256='.length)]], body);
  await one('a signature cut short is refused', false, [[name256, sig.slice(0, -1)]], body);
  await one('a secret in rotation is accepted', true, [[name256, sig]], body, ['another', secret]);
  await one('a signature header there twice is refused', false, [[name256, sig], [name256, sig]], body);
  await one('a wrong signature beside the right one is refused', false, [[name256, other], [name256, sig]], body);
  await one('a request without signature is refused', false, [], body);
}

const key = (text) => 'whsec_' + Buffer.from(text).toString('base64');
standard('standardwebhooks', require('standardwebhooks').Webhook, 'webhook-', key('0123456789abcdef01234567'), key('76543210fedcba9876543210'));
standard('svix', require('svix').Webhook, 'svix-', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw', key('76543210fedcba9876543210'));
await octokit();

const made = Object.fromEntries(['standardwebhooks', 'svix', '@octokit/webhooks', '@octokit/webhooks-methods'].map((n) => [n, version(n)]));
console.log(JSON.stringify({ made: { by: 'vectors.mjs', packages: made }, vectors }, null, 1));
