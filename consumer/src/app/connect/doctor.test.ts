import { describe, expect, it } from 'vitest'
import { clockFinding } from './doctor.js'

describe('a clock', () => {
  it('is compared with the newest block, which is never of the future', () => {
    expect(clockFinding(0).verdict).toBe('ok')
    expect(clockFinding(-60).verdict).toBe('ok')
    expect(clockFinding(600).verdict).toBe('ok')
    expect(clockFinding(-61)).toMatchObject({ verdict: 'bad', says: expect.stringContaining('61 s behind') })
    expect(clockFinding(601).verdict).toBe('note')
  })
})
