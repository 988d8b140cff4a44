/**
 * What a rule looks up for networks that this machine is part of: the main table without its ways to everywhere. Other tunnels
 * write those as two or more halves (`0.0.0.0/1` and `128.0.0.0/1`), which would come before the one into ours.
 */
export const nearOnly: readonly string[] = ['table', 'main', 'suppress_prefixlength', '7']
