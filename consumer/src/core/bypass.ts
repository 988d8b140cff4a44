import { chain, question } from './ruleWords.js'

/** The table, of family inet, that knows the programs beside the tunnel; it stands while there are any. */
export const bypassTable = 'pontage_bypass'
/** On their packets: only root may set a mark, and one that is set by anybody else is taken off. */
export const bypassMark = '0x706f6e62'

const programs = 'programs'

/**
 * The commands that have the packets of some programs marked before they are routed. Questions for names are not: they go
 * through the tunnel, whoever asks.
 *
 * @param group.path - Of its control group, quoted, from where nft looks.
 * @param group.level - How deep that lies in the hierarchy.
 */
export const bypassRuleset = (group: { path: string; level: number }): string =>
  [
    `table inet ${bypassTable} {`,
    `  set ${programs} { type cgroupsv2; }`,
    '  chain marked { type route hook output priority mangle; policy accept; }',
    '}',
    `flush chain inet ${bypassTable} marked`,
    `table inet ${bypassTable} {`,
    chain('marked', [
      `meta mark ${bypassMark} meta mark set 0`,
      'oifname "lo" accept',
      `${question} accept`,
      `socket cgroupv2 level ${group.level} @${programs} meta mark set ${bypassMark}`,
    ]),
    '}',
    `add element inet ${bypassTable} ${programs} { ${group.path} }`,
    '',
  ].join('\n')

/** The command that has the packets of a program marked no longer. */
export const bypassEnds = (path: string): string =>
  `delete element inet ${bypassTable} ${programs} { ${path} }\n`
