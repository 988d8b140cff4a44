/**
 * The contracts as TypeScript sees them. Programs that talk to a deployment connect through the interfaces
 * (`IPaymentChannels__factory.connect(address, runner)`).
 */
export * from './deployment.js'
export {
  IdentityRegistry__factory,
  IIdentityRegistry__factory,
  IMarketplace__factory,
  IPaymentChannels__factory,
  Marketplace__factory,
  PaymentChannels__factory,
  TestToken__factory,
} from './factories/index.js'
export type {
  IIdentityRegistry,
  PermitStruct,
  RegistrationStruct,
  StandingStruct,
  StandingStructOutput,
} from './IIdentityRegistry.js'
export type {
  IMarketplace,
  MarketSettingsStruct,
  MarketSettingsStructOutput,
  OfferViewStruct,
  OfferViewStructOutput,
  ProposalStruct,
  ProposalStructOutput,
  SessionTermsStruct,
} from './IMarketplace.js'
export type {
  AccountViewStruct,
  AccountViewStructOutput,
  ChannelSettingsStruct,
  ChannelSettingsStructOutput,
  ChannelViewStruct,
  ChannelViewStructOutput,
  DrawStruct,
  FinalStateStruct,
  HubViewStruct,
  HubViewStructOutput,
  IPaymentChannels,
  OpeningStruct,
  PartiesStruct,
  RedemptionStruct,
  SignedReleaseStruct,
  TabViewStruct,
  TabViewStructOutput,
  TotalStruct,
} from './IPaymentChannels.js'
export type { TestToken } from './TestToken.js'
