// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {PaymentChannels} from "../../src/PaymentChannels.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {ChannelSettings, IPaymentChannels} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";
import {EveryRegistry} from "./Open.t.sol";

/// @notice The order of the delays, each pair by itself.
contract DelaysTest is World {
    function test_a_guarantee_may_not_live_as_long_as_a_protest_window() public {
        ChannelSettings memory settings = _settings();
        // Long enough an exit, so that only the one rule is broken.
        settings.exitDelay = settings.feeNotice = 4 * PROTEST_WINDOW;
        settings.maxGuarantee = PROTEST_WINDOW;
        EveryRegistry other = _registryForNext();
        vm.expectRevert(IChannelMoney.BadSettings.selector);
        new PaymentChannels(IIdentityRegistry(address(other)), settings);
        settings.maxGuarantee = PROTEST_WINDOW - 1;
        other = _registryForNext();
        assertEq(_deployed(other, settings).settings().maxGuarantee, PROTEST_WINDOW - 1, "one second less");
    }

    /// @notice Whoever sees an exit has a window to act in, and one to wait, also behind a smaller protest.
    function test_an_exit_takes_two_windows_and_a_guarantee() public {
        ChannelSettings memory settings = _settings();
        settings.exitDelay = MAX_GUARANTEE + 2 * PROTEST_WINDOW - 1;
        EveryRegistry other = _registryForNext();
        vm.expectRevert(IChannelMoney.BadSettings.selector);
        new PaymentChannels(IIdentityRegistry(address(other)), settings);
        settings.exitDelay += 1;
        other = _registryForNext();
        assertEq(
            _deployed(other, settings).settings().exitDelay,
            MAX_GUARANTEE + 2 * PROTEST_WINDOW,
            "one second more"
        );
    }

    function test_a_raised_fee_waits_as_long_as_an_exit() public {
        ChannelSettings memory settings = _settings();
        settings.feeNotice = MAX_GUARANTEE + 2 * PROTEST_WINDOW - 1;
        EveryRegistry other = _registryForNext();
        vm.expectRevert(IChannelMoney.BadSettings.selector);
        new PaymentChannels(IIdentityRegistry(address(other)), settings);
        settings.feeNotice += 1;
        other = _registryForNext();
        assertEq(_deployed(other, settings).settings().feeNotice, settings.feeNotice, "one second more");
    }

    function test_a_stake_unbonds_no_sooner_than_an_exit() public {
        ChannelSettings memory settings = _settings();
        settings.protestWindow = (UNBONDING - MAX_GUARANTEE) / 2 + 1;
        settings.withdrawalDelay = settings.exitDelay = settings.feeNotice = 3 * settings.protestWindow;
        EveryRegistry other = _registryForNext();
        vm.expectRevert(IChannelMoney.BadSettings.selector);
        new PaymentChannels(IIdentityRegistry(address(other)), settings);
        settings.protestWindow -= 1;
        other = _registryForNext();
        assertEq(_deployed(other, settings).settings().protestWindow, settings.protestWindow, "one less");
    }

    function _deployed(EveryRegistry other, ChannelSettings memory settings)
        private
        returns (IPaymentChannels)
    {
        return IPaymentChannels(address(new PaymentChannels(IIdentityRegistry(address(other)), settings)));
    }

    /// @dev A registry that expects the contract which is made after it.
    function _registryForNext() private returns (EveryRegistry) {
        uint256 nonce = vm.getNonce(address(this));
        address next = vm.computeCreateAddress(address(this), nonce + 1);
        return new EveryRegistry(address(token), next, UNBONDING);
    }
}
