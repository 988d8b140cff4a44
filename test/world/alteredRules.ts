import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.js'

/**
 * An environment in which firewall rules are altered as they are loaded: programs put back what is changed afterwards, but
 * know the rules only as they stood after loading.
 *
 * @param script - For sed, on the text of each ruleset.
 */
export const alteredRules = (host: Host, script: string): Promise<NodeJS.ProcessEnv> =>
  inPlaceOf(
    host,
    'nft',
    (nft) => `if [ "$1" = -f ]; then sed '${script}' | exec ${nft} "$@"; fi\nexec ${nft} "$@"`,
  )

/**
 * An environment in which somebody else changes, just once, what was put in force: before whoever did so can look at it.
 *
 * @param program - That puts it in force, by a text on its standard input.
 * @param what - Words in that text.
 * @param meanwhile - What the other one does, for a shell.
 */
export const meddledOnce = (
  host: Host,
  program: 'nft' | 'ip',
  what: string,
  meanwhile: string,
): Promise<NodeJS.ProcessEnv> =>
  inPlaceOf(
    host,
    program,
    (path, folder) => `case " $* " in *" - "*) ;; *) exec ${path} "$@" ;; esac
text=$(mktemp ${folder}/text.XXXXXX)
cat >"$text"
${path} "$@" <"$text"
code=$?
grep -q '${what}' "$text" && mkdir ${folder}/done 2>/dev/null && { ${meanwhile}; }
rm "$text"
exit $code`,
  )

/** An environment in which a script for a shell runs where a program is asked for. */
async function inPlaceOf(
  host: Host,
  program: string,
  script: (path: string, folder: string) => string,
): Promise<NodeJS.ProcessEnv> {
  const { stdout } = await host.run(['which', program])
  const folder = mkdtempSync(join(host.home, `${program}-`))
  writeFileSync(join(folder, program), `#!/bin/sh\n${script(stdout.trim(), folder)}\n`, { mode: 0o755 })
  return { PATH: `${folder}:${process.env.PATH}` }
}
