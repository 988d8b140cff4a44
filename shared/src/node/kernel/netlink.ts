import { isIP } from 'node:net'
import { CommandFailed, type CommandOptions, runCommand } from './command.js'
import { nftAddress, nftInterface, nftRange } from './nftablesValues.js'

/** Where interfaces and routes are looked at or changed. */
export type NetlinkOptions = Pick<CommandOptions, 'netns' | 'signal'>

/** As NetlinkOptions; `family: 6` for commands that mean IPv4 where they name no address (rules, default routes). */
export type ApplyIpOptions = NetlinkOptions & {
  readonly family?: 4 | 6
  /** Goes on after one that fails, and fails in the end. */
  readonly force?: boolean
}

/** How a packet to an address would leave this machine. */
export interface Route {
  readonly device: string
  /** The address it would be sent from. */
  readonly source: string
  /** The router it would go to; undefined when the address is on the link. */
  readonly gateway: string | undefined
  /** Bytes of the largest packet the way takes, as far as the kernel knows: a router may have told it. */
  readonly mtu: number
}

/**
 * Runs several `ip` commands, in order, in one process (3 ms however many). Stops at the first that fails.
 *
 * @param commands - Each without the leading `ip`, in words: `['link', 'set', 'pont1', 'up']`.
 * @throws CommandFailed naming the line that failed; those before it have taken effect.
 */
export async function applyIp(
  commands: readonly (readonly string[])[],
  options: ApplyIpOptions = {},
): Promise<void> {
  const { family = 4, force = false, ...where } = options
  for (const word of commands.flat())
    if (!/^[\w.:/@%-]+$/.test(word))
      throw new TypeError(`${JSON.stringify(word)} is not a word for the ip command.`)
  if (commands.length === 0) return
  const input = commands.map((words) => `${words.join(' ')}\n`).join('')
  await runCommand(['ip', ...(family === 6 ? ['-6'] : []), ...(force ? ['-force'] : []), '-batch', '-'], {
    ...where,
    input,
  })
}

/**
 * Asks several things with `ip` in one process.
 *
 * @param commands - Each without the leading `ip`, in words: `['rule', 'show']`.
 * @returns What each of them lists, in their order.
 * @throws CommandFailed for the first that fails.
 */
export async function listIp(
  commands: readonly (readonly string[])[],
  options: Omit<ApplyIpOptions, 'force'> = {},
): Promise<object[][]> {
  const { family = 4, ...where } = options
  const input = commands.map((words) => `${words.join(' ')}\n`).join('')
  const { stdout } = await runCommand(['ip', `-${family}`, '-json', '-batch', '-'], { ...where, input })
  // One line for each command, but some versions print none where there is nothing to list.
  const lists = stdout.split('\n').filter((line) => line.trim() !== '')
  if (lists.length === commands.length) return lists.map((line) => JSON.parse(line) as object[])
  if (commands.length === 1) return [[]]
  return (await Promise.all(commands.map((each) => listIp([each], options)))).flat()
}

/**
 * Runs several `ip` commands that undo something: all of them, whatever became of those before. What is gone already is no
 * error.
 *
 * @throws CommandFailed with the words on what failed otherwise.
 */
export async function undoIp(
  commands: readonly (readonly string[])[],
  options: ApplyIpOptions = {},
): Promise<void> {
  try {
    await applyIp(commands, { ...options, force: true })
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.problem !== 'exited') throw error
    const complaints = error.stderr.split('\n').filter((line) => !/^\s*$|^Command failed/.test(line))
    if (complaints.length === 0 || !complaints.every((line) => alreadyGone.test(line))) throw error
  }
}

const alreadyGone = /no such (file|process|device)|cannot find device|does not exist/i

/**
 * Gives an interface its MTU and addresses (with prefix length) and brings it up.
 * @throws CommandFailed when the interface is gone or an address is taken.
 */
export async function bringUp(
  device: string,
  { mtu, addresses }: { readonly mtu: number; readonly addresses: readonly string[] },
  options: NetlinkOptions = {},
): Promise<void> {
  nftInterface(device)
  await applyIp(
    [
      ['link', 'set', 'dev', device, 'mtu', String(mtu)],
      // nodad: an address inside a tunnel has no neighbours to ask, and waiting for them delays the first packet.
      ...addresses.map((address) => {
        const family6 = nftRange(address).includes(':')
        return ['address', 'add', address, 'dev', device, ...(family6 ? ['nodad'] : [])]
      }),
      ['link', 'set', 'dev', device, 'up'],
    ],
    options,
  )
}

/** Whether an interface of this name exists here. */
export async function linkExists(device: string, options: NetlinkOptions = {}): Promise<boolean> {
  nftInterface(device)
  try {
    await runCommand(['ip', 'link', 'show', 'dev', device], options)
    return true
  } catch (error) {
    if (error instanceof CommandFailed && /does not exist/i.test(error.stderr)) return false
    throw error
  }
}

/** Bytes of the largest packet that an interface takes. @throws CommandFailed when there is no such interface. */
export async function linkMtu(device: string, options: NetlinkOptions = {}): Promise<number> {
  nftInterface(device)
  const { stdout } = await runCommand(['ip', '-json', 'link', 'show', 'dev', device], options)
  const [found] = JSON.parse(stdout) as { mtu: number }[]
  return found?.mtu ?? 0
}

/**
 * Asks the kernel how it would reach an address.
 * @param options.mark - As if the packet carried this firewall mark.
 * @returns undefined when there is no route, or one that refuses (unreachable, prohibited).
 */
export async function routeTo(
  address: string,
  options: NetlinkOptions & { readonly mark?: number } = {},
): Promise<Route | undefined> {
  const { mark, ...where } = options
  const marked = mark === undefined ? [] : ['mark', String(mark)]
  try {
    const [links, ways] = (await listIp(
      [
        ['link', 'show'],
        ['route', 'get', nftAddress(address), ...marked],
      ],
      { ...where, family: address.includes(':') ? 6 : 4 },
    )) as [
      { ifname: string; mtu: number }[],
      { dev?: string; prefsrc?: string; gateway?: string; metrics?: { mtu?: number }[] }[],
    ]
    const [found] = ways
    if (found?.dev === undefined || found.prefsrc === undefined || isIP(found.prefsrc) === 0) return undefined
    const told = found.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu
    const mtu = told ?? links.find(({ ifname }) => ifname === found.dev)?.mtu ?? 0
    return { device: found.dev, source: found.prefsrc, gateway: found.gateway, mtu }
  } catch (error) {
    if (
      error instanceof CommandFailed &&
      /unreachable|no route|prohibited|denied|invalid argument/i.test(error.stderr)
    )
      return undefined
    throw error
  }
}
