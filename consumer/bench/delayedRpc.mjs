import { createServer, request } from 'node:http'

// Stands before this machine's node as a long line would: node delayedRpc.mjs PORT MILLISECONDS

const [port, delayMs] = process.argv.slice(2).map(Number)

createServer(async (asked, answer) => {
  const pieces = []
  for await (const piece of asked) pieces.push(piece)
  await new Promise((resolve) => setTimeout(resolve, delayMs))
  const headers = { 'content-type': 'application/json' }
  request({ port: 8545, method: 'POST', headers }, (answered) => {
    answer.writeHead(answered.statusCode ?? 502, headers)
    answered.pipe(answer)
  }).end(Buffer.concat(pieces))
}).listen(port, '0.0.0.0', () => process.stdout.write('{"event":"listening"}\n'))
