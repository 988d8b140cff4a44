import { address, unixSeconds } from '@pontage/shared'
import { expect, it } from 'vitest'
import { judgeInvitation } from './invitation.js'

const [anna, ben] = [address(`0x${'a1'.repeat(20)}`), address(`0x${'b1'.repeat(20)}`)]
const now = unixSeconds(1_000)
const open = { consumer: undefined, uses: undefined, expiresAt: unixSeconds(2_000), isRevoked: false }
const problem = (verdict: ReturnType<typeof judgeInvitation>) =>
  verdict.ok ? undefined : verdict.refusal.code

it('lets in whoever has it, until it expires or is revoked', () => {
  expect(problem(judgeInvitation(open, [ben], anna, now))).toBeUndefined()
  expect(problem(judgeInvitation(open, [], anna, unixSeconds(2_000)))).toBe('not-invited')
  expect(problem(judgeInvitation({ ...open, isRevoked: true }, [anna], anna, now))).toBe('not-invited')
})

it('lets in the one that it is for, and nobody else', () => {
  expect(problem(judgeInvitation({ ...open, consumer: anna }, [], anna, now))).toBeUndefined()
  expect(problem(judgeInvitation({ ...open, consumer: anna }, [], ben, now))).toBe('not-invited')
})

it('lets in as many as it is for, and those again', () => {
  const once = { ...open, uses: 1 }
  expect(problem(judgeInvitation(once, [], anna, now))).toBeUndefined()
  expect(problem(judgeInvitation(once, [anna], anna, now))).toBeUndefined()
  expect(problem(judgeInvitation(once, [anna], ben, now))).toBe('not-invited')
})
