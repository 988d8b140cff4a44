import { roles } from './documents.js'

type Role = keyof typeof roles

/** Whether an identity is registered for a role. */
export const hasRole = (standing: { readonly roles: number }, role: Role): boolean =>
  (standing.roles & roles[role]) !== 0

/** Whether an identity has a role, with stake enough and no debt. */
export const isActive = (standing: { readonly activeRoles: number }, role: Role): boolean =>
  (standing.activeRoles & roles[role]) !== 0
