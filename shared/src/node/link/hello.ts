import { randomBytes } from 'node:crypto'
import type { WebSocket } from 'ws'
import type { z } from 'zod'
import type { Clock } from '../../clock.js'
import { printable } from '../../printable.js'
import { explain, type Refusal, type Refused, refuse, type Verdict } from '../../refusal.js'
import type { Address, Hex, UnixSeconds } from '../../units.js'
import {
  challengeMessage,
  encodeMessage,
  freshnessSeconds,
  helloMessage,
  refusedMessage,
  welcomeMessage,
  wireVersion,
} from '../../wire.js'
import type { Identity } from '../signing/identity.js'
import type { TypedData } from '../signing/typedData.js'
import { closeSoon } from './closeSoon.js'
import type { Inbox } from './inbox.js'

/** What both sides of a new connection bring to prove who they are. */
export interface Introduction {
  readonly identity: Identity
  readonly typedData: TypedData
  readonly clock: Clock
  /** SHA-256 of the server's certificate; zero without TLS. Binds the proof to this very connection. */
  readonly certificate: Hex
}

/** Milliseconds a peer has for each message of the introduction, unless it is told otherwise. */
const defaultPatienceMs = 10_000

/** The server's side: challenge, check the hello, welcome. */
export async function receiveHello(
  socket: WebSocket,
  inbox: Inbox,
  self: Introduction,
  patienceMs: number = defaultPatienceMs,
): Promise<Verdict<{ peer: Address }>> {
  const challenge = newChallenge()
  socket.send(encodeMessage({ type: 'challenge', challenge, identity: self.identity.address, wireVersion }))
  const read = await readMessage(inbox, 'hello', helloMessage, patienceMs)
  if (!read.ok) return refuseAloud(socket, read.refusal)
  const hello = read.message
  const verdict = judge(hello, hello.identity, hello.wireVersion, challenge, self)
  if (!verdict.ok) return refuseAloud(socket, verdict.refusal)
  const issuedAt = self.clock.now()
  const signature = signHello(self, hello.challenge, hello.identity, issuedAt)
  socket.send(encodeMessage({ type: 'welcome', issuedAt, signature }))
  return { ok: true, peer: hello.identity }
}

/** The client's side. Refuses with `wrong-peer` when somebody other than `expected` answers. */
export async function sayHello(
  socket: WebSocket,
  inbox: Inbox,
  self: Introduction,
  expected: Address | undefined,
): Promise<Verdict<{ peer: Address }>> {
  const read = await readMessage(inbox, 'challenge', challengeMessage)
  if (!read.ok) return read
  const { challenge, identity: peer, wireVersion: version } = read.message
  if (version !== wireVersion) return refuse({ code: 'wrong-version', version, expected: wireVersion })
  if (expected !== undefined && peer !== expected)
    return refuse({ code: 'wrong-peer', identity: peer, expected })
  const own = newChallenge()
  const issuedAt = self.clock.now()
  const signature = signHello(self, challenge, peer, issuedAt)
  socket.send(
    encodeMessage({
      type: 'hello',
      challenge: own,
      identity: self.identity.address,
      wireVersion,
      issuedAt,
      signature,
    }),
  )
  const answer = await readMessage(inbox, 'welcome', welcomeMessage)
  if (!answer.ok) return answer
  const verdict = judge(answer.message, peer, wireVersion, own, self)
  return verdict.ok ? { ok: true, peer } : verdict
}

function judge(
  hello: { issuedAt: UnixSeconds; signature: Hex },
  signer: Address,
  version: number,
  challenge: Hex,
  self: Introduction,
): Verdict {
  if (version !== wireVersion) return refuse({ code: 'wrong-version', version, expected: wireVersion })
  const now = self.clock.now()
  if (Math.abs(now - hello.issuedAt) > freshnessSeconds)
    return refuse({ code: 'stale-hello', issuedAt: hello.issuedAt, now })
  return self.typedData.check(
    'Hello',
    {
      challenge,
      peer: self.identity.address,
      certificate: self.certificate,
      wireVersion,
      issuedAt: hello.issuedAt,
      signature: hello.signature,
    },
    signer,
  )
}

const newChallenge = (): Hex => `0x${randomBytes(32).toString('hex')}`

const signHello = (self: Introduction, challenge: Hex, peer: Address, issuedAt: UnixSeconds): Hex =>
  self.typedData.sign(
    'Hello',
    { challenge, peer, certificate: self.certificate, wireVersion, issuedAt },
    self.identity.privateKey,
  )

/** Says why before closing, so that the other side can tell its user. */
export function refuseAloud(socket: WebSocket, refusal: Refusal, code?: number): Refused {
  socket.send(encodeMessage({ type: 'refused', code: refusal.code, message: explain(refusal) }))
  closeSoon(socket, refusal.code, code)
  return refuse(refusal)
}

async function readMessage<Schema extends z.ZodType>(
  inbox: Inbox,
  type: string,
  schema: Schema,
  patienceMs: number = defaultPatienceMs,
): Promise<Verdict<{ message: z.output<Schema> }>> {
  const frame = await inbox.next(patienceMs)
  if (frame === 'closed') return refuse({ code: 'peer-gone', type })
  if (frame === 'silent') return refuse({ code: 'peer-silent', type, timeoutMs: patienceMs })
  if (frame.binary) return refuse({ code: 'hello-expected', seen: 'a binary frame' })
  let json: unknown
  try {
    json = JSON.parse(frame.data.toString('utf8'))
  } catch {
    return refuse({ code: 'not-json', seen: printable(frame.data.toString('utf8', 0, 20)) })
  }
  const refused = refusedMessage.safeParse(json)
  if (refused.success)
    return refuse({ code: 'peer-refused', peerCode: refused.data.code, message: refused.data.message })
  const parsed = schema.safeParse(json)
  if (parsed.success) return { ok: true, message: parsed.data }
  const seen = (json as { type?: unknown } | null)?.type
  if (seen !== type) return refuse({ code: 'hello-expected', seen: printable(String(seen).slice(0, 40)) })
  return refuse({ code: 'malformed-message', type, problem: problemOf(parsed.error) })
}

/** `field: what is wrong`, of the first thing that is. */
export function problemOf(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue ? `${issue.path.join('.') || 'it'}: ${issue.message}` : 'it does not have the expected shape'
}
