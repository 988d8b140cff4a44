// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// For whoever imports them from here.
// solhint-disable no-unused-import
import {
    Batch,
    ChannelSettings,
    ChannelStatus,
    Draw,
    FinalState,
    IChannelMoney,
    Opening,
    Parties,
    Payment,
    Redemption,
    SignedRelease,
    Slip,
    Total
} from "./IChannelMoney.sol";
import {AccountView, ChannelView, HubView, IChannelViews, TabView} from "./IChannelViews.sol";

/// @title PaymentChannels as programs call it.
interface IPaymentChannels is IChannelMoney, IChannelViews {}
