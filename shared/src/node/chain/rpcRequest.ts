import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, Agent as SecureAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls'
import type { JsonRpcPayload, JsonRpcResult } from 'ethers'
import { raceConnect } from '../link/raceConnect.js'
import { withoutSecretsOf } from '../report/publicAddress.js'

/** Milliseconds an RPC may take to answer, and how long a connection to it may take to come about. */
const rpcTimeoutMs = 15_000
const connectTimeoutMs = 10_000
/** What a node may answer with. */
const maxAnswerBytes = 256 * 1_048_576

/** The node answered that it is too busy. */
export class RpcBusy extends Error {
  /** @param retryAfterMs - How long it wants to be left alone; undefined when it does not say. */
  constructor(
    message: string,
    readonly retryAfterMs: number | undefined,
  ) {
    super(message)
  }
}

/** The node takes fewer questions at a time. */
export class BatchRefused extends Error {}

/** There was no answer, whatever the question. */
export class RpcUnreachable extends Error {}

/** Whether an error says that there was no answer, rather than what the answer was. */
export const isSilence = (error: unknown): boolean =>
  error instanceof RpcUnreachable || error instanceof RpcBusy

/**
 * Asks one RPC address. What it says of the question, such as a revert, is its answer; that it is too busy is none.
 * User and password of the address go into the header; no error tells what follows its host.
 *
 * @throws {@link RpcBusy}, {@link BatchRefused} or {@link RpcUnreachable} when there is no answer.
 */
export async function askRpc(
  url: string,
  payload: JsonRpcPayload | JsonRpcPayload[],
  timeoutMs = rpcTimeoutMs,
): Promise<JsonRpcResult[]> {
  const { status, reason, retryAfter, text } = await post(url, JSON.stringify(payload), timeoutMs).catch(
    (error: Error) => {
      throw new RpcUnreachable(withoutSecretsOf(url, error.message))
    },
  )
  const said = `HTTP ${status} ${reason}`.trim()
  const answer = parsed(text)
  const isAnswer = answer !== undefined && ('jsonrpc' in answer || Array.isArray(answer))
  if (status === 429 || (status === 503 && retryAfter !== undefined))
    throw new RpcBusy(said, waitOf(retryAfter))
  const isBatch = Array.isArray(payload) && payload.length > 1
  if (answer === undefined || (!isAnswer && status >= 400)) {
    if (isBatch && [400, 413, 422].includes(status)) throw new BatchRefused(said)
    throw new RpcUnreachable(said)
  }
  const results = [answer].flat() as (JsonRpcResult & { error?: RpcError })[]
  for (const { error } of results)
    if (error && typeof error.message === 'string') error.message = withoutSecretsOf(url, error.message)
  const errors = results.flatMap(({ error }) => (error ? [error] : []))
  const busy = errors.find(isBusy)
  if (busy) throw new RpcBusy(busy.message, undefined)
  if (isBatch) {
    const whole = errors.find(({ message }) => /batch/i.test(message))
    if (whole) throw new BatchRefused(whole.message)
    if (!Array.isArray(answer) || results.length < payload.length)
      throw new BatchRefused(errors[0]?.message ?? 'it does not answer every question')
  }
  return results
}

interface RpcError {
  readonly code: number
  message: string
}

const isBusy = ({ code, message }: RpcError): boolean =>
  code === -32_005
    ? !/range|results|logs|blocks/i.test(message)
    : code === 429 || /rate limit|too many requests|exceeded .*(capacity|units)/i.test(message)

interface Answer {
  readonly status: number
  readonly reason: string
  readonly retryAfter: string | undefined
  readonly text: string
}

/** Sockets that are kept for the next question, to whichever of a name's addresses answered. */
const agent = new (class extends Agent {
  override createConnection(options: Target, done: Done): undefined {
    raced(options).then((socket) => done(null, socket), done as never)
  }
})({ keepAlive: true })
const secureAgent = new (class extends SecureAgent {
  override createConnection(options: Target, done: Done): undefined {
    raced(options).then((socket) => done(null, tlsConnect({ ...options, socket })), done as never)
  }
})({ keepAlive: true })

/** Closes what is kept open to nodes: where routes have changed, nobody may hear of it, and the next question would wait in vain. */
export function dropKeptSockets(): void {
  agent.destroy()
  secureAgent.destroy()
}

type Target = ConnectionOptions & { host?: string | null; port?: number | string | null }
// biome-ignore lint/suspicious/noExplicitAny: the library's own type says less than it takes.
type Done = (error: any, socket?: Duplex) => void

const raced = ({ host, port }: Target) =>
  raceConnect({ host: host ?? 'localhost', port: Number(port), timeoutMs: connectTimeoutMs })

function post(address: string, body: string, timeoutMs: number): Promise<Answer> {
  if (!URL.canParse(address)) throw new Error('it is no address: expected http://HOST:PORT')
  const url = new URL(address)
  const { protocol, username, password } = url
  if (protocol !== 'http:' && protocol !== 'https:')
    return Promise.reject(new Error('it is no address of a node: expected http:// or https://'))
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
  }
  url.username = ''
  url.password = ''
  const signal = AbortSignal.timeout(timeoutMs)
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers, signal }
    const request: ClientRequest =
      protocol === 'https:'
        ? httpsRequest(url, { ...options, agent: secureAgent })
        : httpRequest(url, { ...options, agent })
    request.on('error', (error) => {
      if (signal.aborted) reject(new Error(`it does not answer within ${timeoutMs / 1_000} s`))
      // A kept socket may have died unnoticed, as when a tunnel took over its route: that says nothing of the node.
      else if (request.reusedSocket) resolve(post(address, body, timeoutMs))
      else reject(error)
    })
    request.on('response', (response) => void read(response).then(resolve, reject))
    request.end(body)
  })
}

async function read(response: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of response) {
    size += (piece as Buffer).length
    if (size > maxAnswerBytes) throw new Error(`its answer is longer than ${maxAnswerBytes} bytes`)
    pieces.push(piece as Buffer)
  }
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? '',
    retryAfter: response.headers['retry-after'],
    text: Buffer.concat(pieces).toString(),
  }
}

/** What `Retry-After` says, in milliseconds: seconds, or a date. */
function waitOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1_000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
