import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { commandExists, linkExists, listTable, UserError } from '@pontage/shared/node'
import { isFromEarlierBoot, isRunning, readConnection } from '../io/connectionFile.js'
import { killSwitchTable } from '../io/killSwitch.js'

/** What the system has to have for a tunnel. */
const programs = { ip: 'iproute2', nft: 'nftables', wg: 'wireguard-tools', flock: 'util-linux' } as const

/**
 * Makes sure that a tunnel can be made here: rights, programs, and no connection that stands already.
 *
 * @throws UserError saying what is missing and what to do.
 */
export async function requireFreeMachine(home: string, name: string | undefined): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new UserError('A tunnel changes routes and firewall: run connect as root (sudo pontage connect …).')
  for (const [program, source] of Object.entries(programs))
    if (!(await commandExists(program)))
      throw new UserError(`The program ${program} was not found. Install ${source}.`)
  await access('/dev/net/tun', constants.R_OK | constants.W_OK).catch((cause) => {
    throw new UserError(
      'There is no /dev/net/tun, or it may not be opened. Load the module tun, or give the container that device.',
      { cause },
    )
  })
  if (name !== undefined && (!/^[a-z][a-z0-9-]{0,14}$/.test(name) || (await linkExists(name))))
    throw new UserError(
      `"${name}" cannot be the tunnel's name: it is taken, or not 1 to 15 of a-z, 0-9 and -. Choose another --interface.`,
    )
  const record = await readConnection(home)
  if (record === undefined) return requireNoForeignSwitch()
  if (isRunning(record))
    throw new UserError(
      `A connection runs already (process ${record.process.pid}, interface ${record.interface}). End it with "pontage disconnect" first.`,
    )
  throw new UserError(
    isFromEarlierBoot(record)
      ? 'The machine was restarted while connected. Run "pontage disconnect" to tidy up, then connect again.'
      : 'An earlier connection left the kill switch on. Run "pontage disconnect" to open the network, then connect again.',
  )
}

/** The table is one for each network: a second connection would take the first one's guard away. */
async function requireNoForeignSwitch(): Promise<void> {
  if ((await listTable('inet', killSwitchTable)) === undefined) return
  throw new UserError(
    `A kill switch stands here that belongs to another --home. Run "pontage disconnect" with that one, or, if it is gone, "nft delete table inet ${killSwitchTable}".`,
  )
}
