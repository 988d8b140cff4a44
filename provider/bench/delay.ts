import { createSocket } from 'node:dgram'

// node delay.js FROM,TO FROM,TO MS SHARE SEED: carries datagrams between two programs on the loopback, each of which sends from port FROM
// to this program's port TO: each is MS milliseconds late, and one of 1/SHARE is lost. What is lost follows from SEED.

const [left, right] = process.argv.slice(2, 4).map((pair) => pair.split(',').map(Number))
const [ms = 0, share = 0, seed = 1] = process.argv.slice(4).map(Number)
const loopback = '127.0.0.1'

let state = seed
const chance = () => {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31
  return state / 2 ** 31
}

function carry([, from = 0]: readonly number[] = [], to: readonly number[] = []) {
  const socket = createSocket('udp4')
  const waiting: { readonly packet: Buffer; readonly dueMs: number }[] = []
  const pass = () => {
    const now = performance.now()
    while (waiting[0] && waiting[0].dueMs <= now) {
      const packet = waiting.shift()?.packet
      if (packet) ends.get(to[1])?.send(packet, to[0], loopback)
    }
    if (waiting[0]) setTimeout(pass, waiting[0].dueMs - now)
  }
  socket.on('message', (packet) => {
    if (chance() < share) return
    waiting.push({ packet, dueMs: performance.now() + ms })
    if (waiting.length === 1) setTimeout(pass, ms)
  })
  socket.bind(from, loopback)
  return socket
}

const ends = new Map<number | undefined, ReturnType<typeof createSocket>>()
ends.set(left?.[1], carry(left, right))
ends.set(right?.[1], carry(right, left))
process.stdout.write('carrying\n')
