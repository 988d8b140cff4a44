import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { writeFileDurably } from '../home/durableFile.js'
import { commandExists, runCommand } from '../kernel/command.js'
import { UserError } from '../program/userError.js'

/** How a program runs as a service; the unit itself comes with its package. */
export interface Service {
  /** Name of the unit. */
  readonly unit: string
  /** The home that the unit names. */
  readonly home: string
  /** Where the unit takes the password from, and whether it is encrypted there for this machine. */
  readonly password: { readonly path: string; readonly encrypted: boolean }
  /** Who the unit runs as, where that is not root. */
  readonly user?: string
}

/** Whether systemd runs here, and the unit is installed. */
export const hasService = async ({ unit }: Service): Promise<boolean> =>
  existsSync('/run/systemd/system') &&
  (await commandExists('systemctl')) &&
  runCommand(['systemctl', 'cat', unit]).then(
    () => true,
    () => false,
  )

/** Whether it runs now and starts at boot. */
export const isServing = ({ unit }: Service): Promise<boolean> =>
  Promise.all([
    runCommand(['systemctl', 'is-enabled', '--quiet', unit]),
    runCommand(['systemctl', 'is-active', '--quiet', unit]),
  ]).then(
    () => true,
    () => false,
  )

/** @throws UserError for a home that the unit does not use, or without the rights. */
export function demandServiceHome({ home: expected, unit }: Service, home: string): void {
  if (process.getuid?.() !== 0)
    throw new UserError(`Only root can install the service ${unit}. Run setup with sudo.`)
  if (resolve(home) !== expected)
    throw new UserError(
      `The service ${unit} has its home at ${expected}, not at ${home}. Run setup with --home ${expected}.`,
    )
}

/** Gives the service its password, and starts it now and at every boot. @throws CommandFailed */
export async function startService(service: Service, password: string): Promise<void> {
  const { unit, home, user } = service
  await keepPassword(service, password)
  if (user !== undefined) await runCommand(['chown', '--recursive', `${user}:`, home])
  await runCommand(['systemctl', 'enable', '--now', unit])
}

async function keepPassword({ password: { path, encrypted } }: Service, password: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  if (encrypted) {
    const command = ['systemd-creds', 'encrypt', '--name=pontage-password', '-', path]
    await runCommand(command, { input: password })
    return
  }
  // A new file: whoever has one open that others could read sees nothing of this.
  await writeFileDurably(path, `${password}\n`)
}
