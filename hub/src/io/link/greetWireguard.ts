import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { wireguardGreeting, wireguardPublicKey } from '@pontage/shared/node'

/** Any datagram may be lost. */
const tries = 3
const answerWithinMs = 1_000

/**
 * Greets a WireGuard peer by UDP. Never throws.
 *
 * @param key - Private key that the peer was told to answer, 32 bytes.
 * @param peer - The peer's public key, 32 bytes.
 * @returns What keeps it from being reached; undefined when it answers.
 */
export async function greetWireguard(
  address: string,
  port: number,
  key: Buffer,
  peer: Buffer,
): Promise<string | undefined> {
  const privateKey = key.toString('base64')
  const keys = { privateKey, publicKey: wireguardPublicKey(privateKey) }
  for (let tried = 0; tried < tries; tried++) {
    const greeting = await wireguardGreeting(keys, peer, Date.now())
    const answer = await new Promise<string | undefined>((resolve) => {
      const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
      const done = (problem: string | undefined) => {
        clearTimeout(timer)
        socket.close()
        resolve(problem)
      }
      const timer = setTimeout(() => done('no answer'), answerWithinMs)
      socket.on('error', (error) => done(error.message))
      socket.on('message', (datagram) => {
        if (greeting.isAnswer(datagram)) done(undefined)
      })
      socket.send(greeting.message, port, address)
    })
    if (answer === undefined) return undefined
    if (answer !== 'no answer') return answer
  }
  return `no answer within ${(tries * answerWithinMs) / 1_000} s`
}
