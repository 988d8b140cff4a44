import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { commandExists, linkExists, listTable, UserError } from '@pontage/shared/node'
import { killSwitchTable } from '../../core/killSwitch.js'
import { isLocalAddress } from '../../core/localAddress.js'
import { isFromEarlierBoot, isRunning, readConnection } from '../../io/home/connectionFile.js'
import { remoteShell } from '../../io/kernel/remoteShell.js'

/** What the system has to have for a tunnel. */
export const systemPrograms = {
  ip: 'iproute2',
  nft: 'nftables',
  wg: 'wireguard-tools',
  flock: 'util-linux',
} as const

/**
 * Makes sure that a tunnel can be made here: rights, programs, and no connection of this home that stands already.
 *
 * @throws UserError saying what is missing and what to do.
 */
export async function requireAbleMachine(home: string, name: string | undefined): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new UserError('A tunnel changes routes and firewall, which requires root. Use sudo.')
  for (const [program, source] of Object.entries(systemPrograms))
    if (!(await commandExists(program)))
      throw new UserError(`The program ${program} was not found. Install ${source}.`)
  await access('/dev/net/tun', constants.R_OK | constants.W_OK).catch((cause) => {
    throw new UserError(
      '/dev/net/tun is missing or cannot be opened. Load the module tun, or give the container that device.',
      { cause },
    )
  })
  if (name !== undefined && (!/^[a-z][a-z0-9-]{0,14}$/.test(name) || (await linkExists(name))))
    throw new UserError(
      `"${name}" cannot be the name of the tunnel: it is in use, or not 1 to 15 characters of a-z, 0-9 and -. Choose another --interface.`,
    )
  await requireNoRecord(home)
}

/**
 * The same for what may have come about meanwhile, of whichever home; to be asked once nobody else can begin.
 *
 * @throws UserError saying what to do.
 */
export async function requireFreeMachine(home: string): Promise<void> {
  await requireNoRecord(home)
  await requireNoForeignSwitch()
}

async function requireNoRecord(home: string): Promise<void> {
  const record = await readConnection(home)
  if (record === undefined) return
  if (isRunning(record))
    throw new UserError(
      `A connection is already running (process ${record.process.pid}, interface ${record.interface}). End it with "pontage disconnect" first.`,
    )
  throw new UserError(
    isFromEarlierBoot(record)
      ? 'The machine was restarted while connected. Run "pontage disconnect" to clean up, then connect again.'
      : record.state === 'blocked'
        ? 'An earlier connection left the kill switch on. Run "pontage disconnect" to open the network, then connect again.'
        : 'The program was killed while it connected or was connected. Run "pontage disconnect" to undo what it had changed, then connect again.',
  )
}

/**
 * The kill switch would cut off whoever types over the network, for good.
 *
 * @throws UserError for a remote shell, unless it comes from a local network that stays open.
 */
export function demandShellIsSafe(allowLan: boolean): void {
  const client = remoteShell()
  if (client === undefined || (allowLan && isLocalAddress(client))) return
  const from = client === '' ? 'over the network' : `from ${client}`
  const lan = isLocalAddress(client)
    ? 'Give --allow-lan to leave the local network open'
    : 'Give --yes if you have another way in'
  throw new UserError(
    `This shell was opened ${from}, and the kill switch would cut it off. ${lan}, or use "pontage exec" or --netns, which leave the machine’s own network untouched.`,
  )
}

/** The table is one for each network: a second connection would take the first one's guard away. */
async function requireNoForeignSwitch(): Promise<void> {
  if ((await listTable('inet', killSwitchTable)) === undefined) return
  throw new UserError(
    `There is a kill switch that belongs to another --home. Run "pontage disconnect" with that one, or, if it is gone, "nft delete table inet ${killSwitchTable}".`,
  )
}
