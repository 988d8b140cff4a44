import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { UserError } from '../program/userError.js'

/** The number of a port that nobody on this machine uses. @throws UserError for another one */
export async function freePort(text: string, transport: 'tcp' | 'udp'): Promise<number> {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UserError(`"${text}" is not a port: expected a number from 1 to 65535.`)
  await (transport === 'tcp' ? tryTcp(port) : tryUdp(port)).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'EADDRINUSE' ? 'another program uses it' : cause.message
    throw new UserError(
      `${transport.toUpperCase()} port ${port} cannot be used: ${reason}. Choose another.`,
      {
        cause,
      },
    )
  })
  return port
}

async function tryTcp(port: number): Promise<void> {
  const server = createServer().listen(port)
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

async function tryUdp(port: number): Promise<void> {
  const socket = createSocket('udp4')
  try {
    socket.bind(port)
    await once(socket, 'listening')
  } finally {
    socket.close()
  }
}
