import { constants } from 'node:fs'
import { access, readFile, writeFile } from 'node:fs/promises'
import { CommandFailed, commandExists, runCommand } from '@pontage/shared/node'
import { isOurs, originalOf, resolverText, withOriginal } from './resolverText.js'
import type { Part } from './upkeep.js'

/**
 * How the machine's questions for names were turned to the tunnel, and what it takes to turn them back. Written
 * down before anything is changed.
 */
export type DnsChange =
  | { readonly way: 'resolvectl' }
  | { readonly way: 'resolvconf' }
  /** `before` and `after`: the file's text. */
  | { readonly way: 'file'; readonly path: string; readonly before: string; readonly after: string }

export const resolverFile = '/etc/resolv.conf'
/** One that hangs holds nothing up for longer; all that it started ends with it. */
const quickly = { timeoutMs: 5_000 }

/**
 * Chooses the way: systemd-resolved where it answers, resolvconf where it is installed, else the file. Changes
 * nothing yet.
 *
 * @param servers - Addresses of resolvers inside the tunnel.
 * @returns undefined where there is nothing to ask, or no place to write it down.
 */
export async function planDns(servers: readonly string[]): Promise<DnsChange | undefined> {
  if (servers.length === 0) return undefined
  if (await answers('resolvectl', ['status'])) return { way: 'resolvectl' }
  if (await commandExists('resolvconf')) return { way: 'resolvconf' }
  // One that cannot be written stays as it is: questions are redirected into the tunnel anyhow.
  const text = await access(resolverFile, constants.W_OK)
    .then(() => readFile(resolverFile, 'utf8'))
    .catch(() => undefined)
  if (text === undefined) return undefined
  // One of ours is left over from a connection whose record was lost.
  const before = originalOf(text)
  return { way: 'file', path: resolverFile, before, after: withOriginal(resolverText(servers), before) }
}

/** A change, with what somebody else wrote meanwhile as that which comes back in the end. */
const restoring = (change: DnsChange, before: string, servers: readonly string[]): DnsChange =>
  change.way === 'file' ? { ...change, before, after: withOriginal(resolverText(servers), before) } : change

/** Turns the questions to the tunnel. */
export async function applyDns(change: DnsChange, device: string, servers: readonly string[]): Promise<void> {
  switch (change.way) {
    case 'resolvectl':
      await runCommand(['resolvectl', 'dns', device, ...servers], quickly)
      // "~." takes every name there is to this link, and no other link's resolver is asked.
      await runCommand(['resolvectl', 'domain', device, '~.'], quickly)
      await runCommand(['resolvectl', 'default-route', device, 'yes'], quickly)
      // Where the machine insists on TLS, the provider's resolver would not be asked: the tunnel encrypts already.
      await tolerantly(['resolvectl', 'dnsovertls', device, 'no'])
      return
    case 'resolvconf':
      // Exclusive and first, as wg-quick asks for it.
      await runCommand(['resolvconf', '-a', recordOf(device), '-m', '0', '-x'], {
        ...quickly,
        input: resolverText(servers),
      })
      return
    case 'file':
      // In place, not by a rename: it may be a link, or mounted over.
      await writeFile(change.path, change.after)
  }
}

/**
 * The machine's questions turned to the tunnel, to be kept so: DHCP and managers of networks write their own resolvers.
 *
 * @param remember - Told of the change as it is by now: what somebody else wrote meanwhile the machine gets back in the end.
 */
export function resolverPart(
  planned: DnsChange,
  device: string,
  servers: readonly string[],
  remember: (change: DnsChange) => Promise<void>,
): Part {
  let change = planned
  const asks = async (what: string) => (await runCommand(['resolvectl', what, device], quickly)).stdout
  const asWritten = 'as written'
  return {
    // What others write just after it was written is not to be taken for right.
    ...(change.way === 'file' ? { right: asWritten } : {}),
    lookEveryMs: change.way === 'resolvectl' ? 10_000 : 1_000,
    async look() {
      if (change.way === 'resolvectl') return `${await asks('dns')}${await asks('domain')}`
      const path = change.way === 'file' ? change.path : resolverFile
      const text = await readFile(path, 'utf8').catch(() => '')
      return change.way === 'file' && text === change.after ? asWritten : text
    },
    async apply() {
      if (change.way === 'file') {
        const now = await readFile(change.path, 'utf8').catch(() => '')
        if (now !== '' && now !== change.before && !isOurs(now)) {
          change = restoring(change, now, servers)
          await remember(change)
        }
      }
      await applyDns(change, device, servers)
    },
  }
}

/**
 * Turns them back. What somebody else has changed meanwhile stays as it is; doing it twice changes nothing.
 */
export async function restoreDns(change: DnsChange, device: string): Promise<void> {
  switch (change.way) {
    case 'resolvectl':
      // With the interface its settings are gone already.
      return tolerantly(['resolvectl', 'revert', device])
    case 'resolvconf':
      return tolerantly(['resolvconf', '-d', recordOf(device), '-f'])
    case 'file': {
      const now = await readFile(change.path, 'utf8').catch(() => undefined)
      // A power cut may have left a part of what was to be written.
      const isToGo = now !== undefined && (isOurs(now) || change.after.startsWith(now))
      if (isToGo) await writeFile(change.path, change.before)
    }
  }
}

/** Gives a resolver file that is ours without a record its text of before. */
export async function restoreLeftFile(path = resolverFile): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '')
  if (isOurs(text)) await writeFile(path, originalOf(text))
}

/** What a person types to turn them back. */
export function resolverByHand(change: DnsChange, device: string): string {
  switch (change.way) {
    case 'resolvectl':
      return `resolvectl revert ${device}`
    case 'resolvconf':
      return `resolvconf -d ${recordOf(device)} -f`
    case 'file':
      return `write this to ${change.path} again: ${change.before.trim().split('\n').join(' | ')}`
  }
}

const recordOf = (device: string): string => `tun.${device}`

async function answers(program: string, args: readonly string[]): Promise<boolean> {
  if (!(await commandExists(program))) return false
  return runCommand([program, ...args], quickly).then(
    () => true,
    () => false,
  )
}

async function tolerantly(command: readonly string[]): Promise<void> {
  await runCommand(command, quickly).catch((error) => {
    if (!(error instanceof CommandFailed)) throw error
  })
}
