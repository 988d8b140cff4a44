import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { UserError } from '@pontage/shared/node'

const srcValidMarkPath = '/proc/sys/net/ipv4/conf/all/src_valid_mark'

/** Whether reverse path filtering heeds marks: it must, or a strict machine drops WireGuard's answers. */
export const readSrcValidMark = (): string => readFileSync(srcValidMarkPath, 'utf8').trim()
/** Writes only what differs: in a container /proc/sys may be read-only, and right already. */
export function writeSrcValidMark(value: string): void {
  if (readSrcValidMark() !== value) writeFileSync(srcValidMarkPath, value)
}

/**
 * Has reverse path filtering heed marks. Where the setting cannot be changed, only strict filtering minds.
 *
 * @throws UserError where filtering is strict and the setting read-only.
 */
export function heedMarks(): void {
  try {
    writeSrcValidMark('1')
  } catch (cause) {
    if (!isFilterStrict()) return
    throw new UserError(
      'Reverse path filtering is strict here and /proc/sys is read-only, so WireGuard’s answers would be dropped. Set net.ipv4.conf.all.src_valid_mark=1 from outside (docker run --sysctl net.ipv4.conf.all.src_valid_mark=1).',
      { cause },
    )
  }
}

/** The larger of a device's setting and that of all of them holds; 1 is strict. */
function isFilterStrict(): boolean {
  const folder = '/proc/sys/net/ipv4/conf'
  const setting = (name: string) => Number(readFileSync(`${folder}/${name}/rp_filter`, 'utf8'))
  return readdirSync(folder)
    .filter((name) => name !== 'lo')
    .some((name) => Math.max(setting('all'), setting(name)) === 1)
}
