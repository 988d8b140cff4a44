import { createServer, type Server } from 'node:http'

interface Call {
  readonly id: number
  readonly method: string
  readonly params: unknown[]
}

/** An RPC address before the real node that can be made to fail or to lie. */
export interface Road {
  readonly url: string
  asked: number
  /** Answers in the node's place; undefined leaves the answer as it is. */
  lie: ((call: Call, result: unknown) => unknown) | undefined
  /** An HTTP status in place of any answer. */
  status: number
  /** Whether the node gets a call and nobody gets its answer. */
  swallows: ((call: Call) => boolean) | undefined
  cut(): Promise<void>
  mend(): Promise<void>
}

/** @param url - The real node. */
export async function roadTo(url: string): Promise<Road> {
  let server: Server
  const listen = async (port: number): Promise<number> => {
    server = createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        const body = Buffer.concat(pieces).toString()
        road.asked++
        if (road.status !== 200) return response.writeHead(road.status).end('busy')
        void fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
          .then((answer) => answer.json())
          .then((answer: unknown) => {
            const calls = [JSON.parse(body)].flat() as Call[]
            if (calls.some((call) => road.swallows?.(call))) return response.destroy()
            const told = ([answer].flat() as { id: number; result: unknown }[]).map((each) => {
              const call = calls.find(({ id }) => id === each.id)
              const lie = call && road.lie?.(call, each.result)
              return lie === undefined ? each : { ...each, result: lie }
            })
            response.writeHead(200, { 'content-type': 'application/json' })
            response.end(JSON.stringify(Array.isArray(answer) ? told : told[0]))
          })
          .catch(() => response.destroy())
      })
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return (server.address() as { port: number }).port
  }
  const port = await listen(0)
  const road: Road = {
    url: `http://127.0.0.1:${port}`,
    asked: 0,
    lie: undefined,
    status: 200,
    swallows: undefined,
    async cut() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
    async mend() {
      await listen(port)
    },
  }
  return road
}
