import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  applyRuleset,
  deleteTable,
  listTable,
  replaceTable,
  runCommand,
  UserError,
  writeFileDurably,
} from '@pontage/shared/node'
import { lockdownRuleset, lockdownTable, ownGroup } from '../../core/lockdown.js'
import { guestDevices } from './guests.js'
import { askForNamesAlone } from './ownNames.js'

/** The rules as they are loaded at boot; where this file is, lockdown is on. */
const rulesFile = '/etc/pontage/lockdown.nft'
const unitName = 'pontage-lockdown.service'
const unitFile = `/etc/systemd/system/${unitName}`

/** Before any network is set up; without its rules the machine does not get one. It is never stopped, so it holds to the end. */
const unit = `# Written by "pontage lockdown on", removed by "pontage lockdown off".
[Unit]
Description=Nothing leaves this machine but by the tunnel of Pontage
DefaultDependencies=no
RequiresMountsFor=/etc/pontage
After=nftables.service
Before=network-pre.target
Wants=network-pre.target
OnFailure=emergency.target
OnFailureJobMode=replace-irreversibly

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=nft -f ${rulesFile}
ExecReload=nft -f ${rulesFile}

[Install]
WantedBy=sysinit.target
`

/**
 * Started or reloaded, the machine's own firewall flushes every table, and when it is stopped, too, at shutdown with the network
 * still up. Its rules and ours are loaded in one step instead, and stopping it opens nothing.
 */
const firewallRules = '/etc/pontage/firewall.nft'
const firewallUnit = '/etc/systemd/system/nftables.service.d/pontage-lockdown.conf'
// A pattern that no file fits is passed over: the first is where Debian and Arch have it, the second Fedora.
const firewallRulesText = `include "/etc/nftables[.]conf"
include "/etc/sysconfig/nftables[.]conf"
include "${rulesFile}"
`
const firewallUnitText = `# Written by "pontage lockdown on", removed by "pontage lockdown off".
[Service]
ExecStart=
ExecStart=nft -f ${firewallRules}
ExecReload=
ExecReload=nft -f ${firewallRules}
ExecStop=
`

/** Whether nothing is to leave this machine but by a tunnel, connected or not. */
export const isLockedDown = (): boolean => existsSync(rulesFile)

/** @throws UserError where a tunnel for some programs would be shut off. */
export function refuseUnderLockdown(): void {
  if (isLockedDown())
    throw new UserError(
      'Lockdown is on: only a tunnel of the whole machine is let through. Use "pontage connect", or "pontage lockdown off" first.',
    )
}

/** Whether the kernel has the rules. @throws CommandFailed where only root may ask. */
export const lockdownStands = async (): Promise<boolean> =>
  (await listTable('inet', lockdownTable))?.objects.some(({ rule }) => rule !== undefined) ?? false

/** The text that puts the rules in force in one step. */
export const lockdownText = (options: Parameters<typeof lockdownRuleset>[0]): string =>
  replaceTable('inet', lockdownTable, lockdownRuleset(options))

/** Puts the rules in force as they are for a machine that is not connected. */
export async function loadLockdown(): Promise<void> {
  const allowLan = (await readFile(rulesFile, 'utf8')).startsWith(lanMark)
  await applyRuleset(lockdownText({ allowLan, guests: await guestDevices() }))
}

/** Takes the rules away until the next connect or boot. */
export const liftLockdown = (): Promise<void> => deleteTable('inet', lockdownTable)

/** Has the rules loaded at every boot. @throws UserError on a machine without systemd. */
export async function installLockdown(allowLan: boolean): Promise<void> {
  if (!existsSync('/run/systemd/system'))
    throw new UserError('Lockdown is loaded at boot by systemd, which does not run on this machine.')
  await mkdir(dirname(rulesFile), { recursive: true, mode: 0o755 })
  await mkdir(dirname(firewallUnit), { recursive: true, mode: 0o755 })
  await writeFileDurably(firewallRules, firewallRulesText, 0o644)
  await writeFileDurably(firewallUnit, firewallUnitText, 0o644)
  await writeFileDurably(unitFile, unit, 0o644)
  await runCommand(['systemctl', 'daemon-reload'])
  await runCommand(['systemctl', '--quiet', 'enable', unitName])
  // Last: from here on it counts as on.
  await writeFileDurably(
    rulesFile,
    `${allowLan ? lanMark : ''}${lockdownText({ allowLan, guests: [] })}`,
    0o644,
  )
}

/** Undoes {@link installLockdown}, in the order that leaves nothing behind which counts as on. */
export async function removeLockdown(): Promise<void> {
  for (const file of [rulesFile, firewallUnit, firewallRules]) await rm(file, { force: true })
  // Others may have drop-ins of their own in it.
  await rmdir(dirname(firewallUnit)).catch(() => undefined)
  if (existsSync(unitFile)) {
    await runCommand(['systemctl', '--quiet', 'disable', '--now', unitName])
    await rm(unitFile, { force: true })
    await runCommand(['systemctl', 'daemon-reload'])
  }
  await liftLockdown()
}

const lanMark = '# The local network is open.\n'

/** Lets this process reach chain and hub through a lockdown: its sockets carry a group that the rules know. */
export function passLockdown(): void {
  if (process.getuid?.() !== 0 || !isLockedDown()) return
  process.setegid?.(ownGroup)
  askForNamesAlone()
}
