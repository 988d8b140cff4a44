import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { securityTable } from './policy.js'

describe('the policy', () => {
  it('is the table of docs/security.md; "npm run -s policy -w consumer" prints it', () => {
    const document = readFileSync(new URL('../../../docs/security.md', import.meta.url), 'utf8')
    expect(document).toContain(securityTable())
  })
})
