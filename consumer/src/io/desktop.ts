import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Somebody's desktop: how a program reaches it, and as whom. */
export interface Desktop {
  readonly env: NodeJS.ProcessEnv
  /** Left out: as this process. */
  readonly uid?: number
  readonly gid?: number
}

/**
 * The desktop of whoever started this program, also through sudo; undefined where there is none.
 *
 * @param exists - Whether a file is there.
 */
export function desktopOf(
  environment: NodeJS.ProcessEnv,
  ownUid: number,
  exists: (path: string) => boolean = existsSync,
): Desktop | undefined {
  const { PATH, DISPLAY, WAYLAND_DISPLAY, SUDO_UID, SUDO_GID } = environment
  const isThroughSudo = ownUid === 0 && /^\d+$/.test(SUDO_UID ?? '') && SUDO_UID !== '0'
  const uid = isThroughSudo ? Number(SUDO_UID) : ownUid
  const bus = `/run/user/${uid}/bus`
  const hasBus = exists(bus)
  if (!hasBus && (isThroughSudo || (DISPLAY === undefined && WAYLAND_DISPLAY === undefined))) return undefined
  const address = hasBus ? { DBUS_SESSION_BUS_ADDRESS: `unix:path=${bus}` } : {}
  if (!isThroughSudo) return { env: { ...environment, ...address } }
  const env = { PATH, DISPLAY, WAYLAND_DISPLAY, XDG_RUNTIME_DIR: `/run/user/${uid}`, ...address }
  return { env, uid, gid: Number(SUDO_GID ?? uid) }
}

/** Shows a notification. A desktop that shows none is no failure. */
export function notify({ env, ...as }: Desktop, title: string, text: string): Promise<void> {
  const words = ['--app-name=Pontage', '--', title, text]
  return new Promise((resolve) => {
    execFile('notify-send', words, { env, ...as, timeout: 5_000 }, () => resolve())
  })
}
