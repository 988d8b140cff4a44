import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import type { Host } from './host.js'

/** A real browser at a machine of the world, that looks for nothing on any network by itself. @param flags - More of its own */
export async function openBrowser(host: Host, flags: readonly string[] = []): Promise<Browser> {
  const folder = mkdtempSync(join(host.home, 'browser-'))
  const path = join(folder, 'chromium')
  writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${host.netns} chromium "$@"\n`)
  chmodSync(path, 0o755)
  return chromium.launch({
    executablePath: path,
    // The world is closed off already, and its root may not use the browser's own sandbox.
    chromiumSandbox: false,
    args: [
      ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
      ...flags,
    ],
    env: { ...process.env, HOME: folder },
  })
}
