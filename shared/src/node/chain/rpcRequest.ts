import type { JsonRpcPayload, JsonRpcResult } from 'ethers'

/** Milliseconds an RPC may take to answer. */
const rpcTimeoutMs = 15_000

/**
 * Asks one RPC address. What it says of the question, such as a revert, is its answer; that it is too busy is none.
 *
 * @throws Error when there is no answer.
 */
export async function askRpc(
  url: string,
  payload: JsonRpcPayload | JsonRpcPayload[],
  timeoutMs = rpcTimeoutMs,
): Promise<JsonRpcResult[]> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(payload),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: Error) => {
    // The library hides the system's word below its own.
    const { cause } = error
    throw new Error(cause instanceof Error && cause.message ? cause.message : error.message, { cause: error })
  })
  const text = await response.text()
  const answer = parsed(text)
  if (answer === undefined || (!response.ok && !('jsonrpc' in answer || Array.isArray(answer))))
    throw new Error(`HTTP ${response.status} ${response.statusText}`.trim())
  const results = (Array.isArray(answer) ? answer : [answer]) as (JsonRpcResult & { error?: RpcError })[]
  const busy = results.find(({ error }) => error && isBusy(error))?.error
  if (busy) throw new Error(busy.message)
  return results
}

interface RpcError {
  readonly code: number
  readonly message: string
}

const isBusy = ({ code, message }: RpcError): boolean =>
  code === -32_005 || /rate limit|too many requests|exceeded .*capacity/i.test(message)

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
