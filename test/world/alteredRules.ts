import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.js'

/**
 * An environment in which firewall rules are altered as they are loaded: programs put back what is changed afterwards, but
 * know the rules only as they stood after loading.
 *
 * @param script - For sed, on the text of each ruleset.
 */
export async function alteredRules(host: Host, script: string): Promise<NodeJS.ProcessEnv> {
  const { stdout } = await host.run(['which', 'nft'])
  const nft = stdout.trim()
  const folder = mkdtempSync(join(host.home, 'nft-'))
  writeFileSync(
    join(folder, 'nft'),
    `#!/bin/sh\nif [ "$1" = -f ]; then sed '${script}' | exec ${nft} "$@"; fi\nexec ${nft} "$@"\n`,
    { mode: 0o755 },
  )
  return { PATH: `${folder}:${process.env.PATH}` }
}
