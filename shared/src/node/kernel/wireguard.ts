import { randomInt, randomUUID } from 'node:crypto'
import { access, constants, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CommandFailed, runCommand } from './command.js'
import {
  parseDump,
  type WireguardConf,
  type WireguardPeerConf,
  type WireguardState,
  writeConf,
  writePeer,
  writePeerForSocket,
  writeRemovalForSocket,
} from './wireguardConf.js'
import { isWireguardKey, type WireguardKey } from './wireguardKeys.js'

/** A WireGuard interface on this machine. */
export interface WireguardInterface {
  readonly name: string
  /** `kernel` where the kernel makes it, `userspace` where a wireguard-go process does. */
  readonly kind: 'kernel' | 'userspace'
  /** Network namespace it lives in; left out: ours. */
  readonly netns?: string
}

/** Where wireguard-go keeps its control sockets. Not namespaced: names have to be unique on the machine. */
const socketFolder = '/var/run/wireguard'
/** Linux refuses longer interface names (IFNAMSIZ with the closing zero). */
const maxNameLength = 15
const deleteWithinMs = 3_000
const answerWithinMs = 5_000

/** A name no other interface has, for example `pont4k1zq9`. */
export function uniqueInterfaceName(): string {
  return `pont${randomInt(36 ** 6)
    .toString(36)
    .padStart(6, '0')}`
}

/**
 * Makes an interface: by the kernel where it can, by wireguard-go otherwise. It is down and has no key yet.
 *
 * @param name - At most 15 characters, unique on the machine; see `uniqueInterfaceName`.
 * @throws CommandFailed when neither way works or the name is taken.
 */
export async function createWireguard(
  name: string = uniqueInterfaceName(),
  options: { readonly netns?: string } = {},
): Promise<WireguardInterface> {
  if (!/^[a-z][a-z0-9-]*$/.test(name) || name.length > maxNameLength)
    throw new TypeError(
      `An interface name is 1 to ${maxNameLength} of a-z, 0-9 and -, not ${JSON.stringify(name)}.`,
    )
  try {
    await runCommand(['ip', 'link', 'add', 'dev', name, 'type', 'wireguard'], options)
    return { name, kind: 'kernel', ...options }
  } catch (error) {
    if (!(error instanceof CommandFailed && /unknown device type|not supported/i.test(error.stderr)))
      throw error
  }
  await removeStaleSocket(name)
  // With LOG_LEVEL set the daemon keeps our output open and the call would never end.
  const { LOG_LEVEL: _, ...env } = process.env
  // In a session of its own: Ctrl-C at our terminal must leave the tunnel to us.
  await runCommand(['wireguard-go', name], { ...options, env, detached: true })
  return { name, kind: 'userspace', ...options }
}

/**
 * Sets key, port, mark and the whole list of peers; a peer not in the list is dropped.
 * @throws CommandFailed when the interface is gone or the port is taken.
 */
export async function configureWireguard(tunnel: WireguardInterface, conf: WireguardConf): Promise<void> {
  await withSecretFile(writeConf(conf), (file) => wg(tunnel, ['setconf', tunnel.name, file]))
}

/** Adds a peer, or changes the one with this key, and leaves the others alone. */
export async function addWireguardPeer(tunnel: WireguardInterface, peer: WireguardPeerConf): Promise<void> {
  if (tunnel.kind === 'userspace') return tellSocket(tunnel.name, writePeerForSocket(peer))
  await withSecretFile(writePeer(peer), (file) => wg(tunnel, ['addconf', tunnel.name, file]))
}

/** Removes a peer. Removing one that is not there changes nothing. */
export async function removeWireguardPeer(
  tunnel: WireguardInterface,
  publicKey: WireguardKey,
): Promise<void> {
  if (!isWireguardKey(publicKey)) throw new TypeError('The peer to remove is not named by a WireGuard key.')
  if (tunnel.kind === 'userspace') return tellSocket(tunnel.name, writeRemovalForSocket(publicKey))
  await wg(tunnel, ['set', tunnel.name, 'peer', publicKey, 'remove'])
}

/** Reads port, mark, and each peer's endpoint, last handshake and bytes. */
export async function readWireguard(tunnel: WireguardInterface): Promise<WireguardState> {
  return parseDump(await wg(tunnel, ['show', tunnel.name, 'dump']))
}

/** Takes the interface away, and with it the wireguard-go behind it. One that is gone already is no error. */
export async function deleteWireguard(tunnel: WireguardInterface): Promise<void> {
  const isGone = await runCommand(['ip', 'link', 'delete', 'dev', tunnel.name], netnsOf(tunnel)).then(
    () => false,
    (error) => {
      if (error instanceof CommandFailed && /cannot find device/i.test(error.stderr)) return true
      throw error
    },
  )
  if (tunnel.kind === 'kernel') return
  // In a namespace that was deleted it lives on as long as a process does in there: wireguard-go ends without its socket, too.
  if (isGone) return rm(socketPath(tunnel.name), { force: true })
  const giveUpAt = performance.now() + deleteWithinMs
  while (await socketAnswers(tunnel.name)) {
    if (performance.now() > giveUpAt)
      throw new Error(`wireguard-go still answers for ${tunnel.name} after its interface was deleted.`)
    await delay(10)
  }
  await rm(socketPath(tunnel.name), { force: true })
}

async function wg(tunnel: WireguardInterface, args: readonly string[]): Promise<string> {
  return (await runCommand(['wg', ...args], netnsOf(tunnel))).stdout
}

function netnsOf(tunnel: WireguardInterface): { netns?: string } {
  return tunnel.netns === undefined ? {} : { netns: tunnel.netns }
}

/**
 * Lends a file that only we can read, for as long as `use` takes.
 * Not standard input: Node hands a child a socket there, which `wg` cannot open as /dev/stdin.
 */
async function withSecretFile<T>(text: string, use: (path: string) => Promise<T>): Promise<T> {
  // In memory where the system has it, so that the key never reaches a disk.
  const folder = await access('/dev/shm', constants.W_OK).then(() => '/dev/shm', tmpdir)
  const file = join(folder, `pontage-${randomUUID()}`)
  try {
    // Made here or not at all: it is nobody else's, and no link.
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
    return await use(file)
  } finally {
    await rm(file, { force: true })
  }
}

const socketPath = (name: string) => join(socketFolder, `${name}.sock`)

/** A killed wireguard-go leaves its socket behind; the next one of that name would refuse to start. */
async function removeStaleSocket(name: string): Promise<void> {
  if (await socketAnswers(name))
    throw new Error(
      `The interface name ${name} is taken: a wireguard-go on this machine answers for it. Choose another.`,
    )
  await rm(socketPath(name), { force: true })
}

/** Changes a userspace WireGuard: no command is started, which takes some milliseconds. @throws Error with its number. */
async function tellSocket(name: string, change: string): Promise<void> {
  const socket = connect(socketPath(name)).setEncoding('utf8')
  const tooLate = setTimeout(() => socket.destroy(new Error('no answer')), answerWithinMs)
  try {
    socket.write(`set=1\n${change}\n`)
    let answer = ''
    for await (const text of socket) {
      answer += text
      if (answer.endsWith('\n\n')) break
    }
    const number = /^errno=(-?\d+)$/m.exec(answer)?.[1]
    if (number !== '0') throw new Error(number === undefined ? 'no answer' : `error ${number}`)
  } catch (cause) {
    throw new Error(`WireGuard did not change ${name}: ${(cause as Error).message}`, { cause })
  } finally {
    clearTimeout(tooLate)
    socket.destroy()
  }
}

function socketAnswers(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath(name))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
