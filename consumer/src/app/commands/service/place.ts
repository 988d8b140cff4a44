import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { controlPath } from '@pontage/shared/node'

/** Where the service that the package brings listens, and who may ask it. */
export const serviceSocket = '/run/pontage/control.sock'
export const serviceGroup = 'pontage'
const serviceHome = '/var/lib/pontage'

/** Whoever asks: in which home, where, and by which flags. */
export interface Asker {
  readonly home: string
  readonly control?: string | undefined
  readonly typed?: ReadonlySet<string>
}

/** Whether the service is to be asked: where somebody without root's rights names no home, and it is there, or starts just now. */
export const asksService = ({ control, typed }: Asker): boolean =>
  process.getuid?.() !== 0 &&
  !typed?.has('home') &&
  (control !== undefined || existsSync(dirname(serviceSocket)))

/** Where the connection is asked that a command means: one of this user's own, else that of the service. */
export const placeToAsk = (asker: Asker): string => {
  if (asker.control !== undefined) return asker.control
  const own = controlPath(asker.home)
  if (existsSync(own)) return own
  const isMeant = asksService(asker) || (asker.home === serviceHome && existsSync(serviceSocket))
  return isMeant ? serviceSocket : own
}
