import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TokenNames } from '../../quantity.js'
import { withFiat } from '../report/fiat.js'
import { keystorePath } from './homeFolder.js'

const pathIn = (home: string): string => join(home, 'token.json')

/** Keeps what the token is called, for what is shown without asking the chain; a home that is none yet stays none. */
export function keepToken(home: string, { symbol, decimals }: TokenNames): void {
  const known = readToken(home)
  if (known?.symbol === symbol && known.decimals === decimals) return
  if (!existsSync(keystorePath(home))) return
  try {
    writeFileSync(pathIn(home), `${JSON.stringify({ symbol, decimals })}\n`, { mode: 0o644 })
  } catch {
    // Somebody else's home, or a full disk: the chain is asked again.
  }
}

/** The token as it was called last; undefined in a home that has not been on a chain. */
export function readToken(home: string): TokenNames | undefined {
  try {
    const { symbol, decimals } = JSON.parse(readFileSync(pathIn(home), 'utf8')) as TokenNames
    return typeof symbol === 'string' && Number.isInteger(decimals)
      ? withFiat({ symbol, decimals })
      : undefined
  } catch {
    return undefined // A file that a crash cut short is written anew.
  }
}
