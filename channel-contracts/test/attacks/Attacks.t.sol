// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IIdentityRegistry} from "../../src/interfaces/IIdentityRegistry.sol";
import {IMarketplace, Proposal, SessionTerms} from "../../src/interfaces/IMarketplace.sol";
import {
    Draw,
    FinalState,
    Parties,
    Redemption,
    SignedRelease
} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

/// @notice Each test is one way in which somebody once got, or might get, another's money.
contract AttacksTest is World {
    Parties private parties;
    address[] private none;

    function setUp() public override {
        super.setUp();
        parties = _open(1, 100 * WHOLE);
    }

    // ------------------------------------------- seven ways that worked elsewhere

    function test_a_consumer_cannot_drain_its_collateral_through_a_fee_of_its_own() public {
        Draw memory order = _guaranteed(parties, provider, 100 * WHOLE, 100 * WHOLE);
        channels.requestExitFor(
            parties, type(uint96).max, uint64(START), _signExit(parties, type(uint96).max, uint64(START))
        );
        assertEq(channels.draw(order), 100 * WHOLE, "the promise is still good");
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, none), 0, "nothing for the fee");
        _assertConserved();
    }

    function test_a_hub_cannot_withdraw_what_it_owes() public {
        _fund(60 * WHOLE);
        vm.prank(hub);
        channels.requestWithdrawal(60 * WHOLE);
        _drawByHub(parties, provider, 50 * WHOLE);
        vm.warp(START + WITHDRAWAL_DELAY);
        vm.prank(hub);
        channels.withdraw();
        // What was drawn was never the pool's; what was only promised costs the stake.
        assertEq(channels.redeem(_waiting(hub, provider)), 49 * WHOLE, "out of its reach");
        assertEq(_redeem(hub, provider, 60 * WHOLE), 11 * WHOLE, "from fee and stake");
        _assertConserved();
    }

    function test_a_punished_hub_locks_nobody_out_and_pays_its_victims() public {
        uint256 before = token.balanceOf(provider);
        _redeem(hub, provider, 501 * WHOLE);
        assertEq(token.balanceOf(provider) - before, 501 * WHOLE, "paid");
        assertTrue(!registry.isActive(hub, HUB), "below its minimum");
        // Its consumers and providers go on without it.
        _drawGuaranteed(parties, relayer, 30 * WHOLE);
        assertEq(channels.redeem(_waiting(hub, relayer)), 294 * WHOLE / 10, "redeemed");
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, none), 70 * WHOLE, "returned");
    }

    function test_a_hub_that_leaves_voids_no_earnings() public {
        _drawByHub(parties, provider, 50 * WHOLE);
        Draw memory order = _guaranteed(parties, provider, 80 * WHOLE, 80 * WHOLE);
        vm.prank(hub);
        registry.requestUnbonding(2_000 * WHOLE);
        channels.draw(order);
        assertEq(channels.redeem(_waiting(hub, provider)), 784 * WHOLE / 10, "all of it");
    }

    function test_nobody_walks_off_with_a_providers_stake() public {
        // No function of any contract moves a stake but its owner's unbonding and the two slashers.
        address[3] memory callers = [hub, consumer, address(this)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NotASlasher.selector, callers[i]));
            vm.prank(callers[i]);
            registry.slash(provider, 1, 1);
        }
        vm.warp(START + 365 days);
        assertEq(registry.standingOf(provider).stake, 100 * WHOLE, "untouched");
    }

    function test_a_consumer_leaves_without_the_hub() public {
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, none), 100 * WHOLE, "returned");
    }

    function test_a_provider_is_paid_without_the_hub() public {
        Draw[] memory orders = new Draw[](1);
        orders[0] = _guaranteed(parties, provider, 70 * WHOLE, 70 * WHOLE);
        vm.prank(provider);
        (, uint256 paid) = channels.drawAndRedeem(orders, _waiting(hub, provider), address(0));
        assertEq(paid, 686 * WHOLE / 10, "paid");
    }

    // -------------------------------------------------------------- conclusions

    function test_conclude_without_its_releases() public {
        FinalState memory state = _finalWith(parties, provider, 40 * WHOLE, uint64(START) + 3_600);
        bytes32 digest = _stateDigest(state, address(channels));
        bytes memory byConsumer = _sign(consumerKey, digest);
        bytes memory byHub = _sign(hubKey, digest);
        state.releases = new SignedRelease[](0);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.conclude(state, byConsumer, byHub);
    }

    function test_a_release_does_not_kill_a_newer_guarantee() public {
        _fund(100 * WHOLE);
        FinalState memory state = _finalWith(parties, provider, 40 * WHOLE, uint64(START) + 3_600);
        Draw memory covered =
            _guaranteedUntil(parties, provider, 60 * WHOLE, 60 * WHOLE, uint64(START) + 3_600);
        Draw memory newer = _guaranteedUntil(parties, provider, 60 * WHOLE, 60 * WHOLE, uint64(START) + 3_601);
        _conclude(state);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.GuaranteeReleased.selector,
                _id(parties),
                uint64(START) + 3_600,
                uint64(START) + 3_600
            )
        );
        channels.draw(covered);
        assertEq(channels.draw(newer), 20 * WHOLE, "the hub's pool answers for what it signed later");
        _assertConserved();
    }

    function test_a_final_state_kept_in_the_pocket_pays_nobody_less() public {
        FinalState memory pocketed = _finalWith(parties, provider, 10 * WHOLE, 0);
        _fund(100 * WHOLE);
        // The hub broke its word and guaranteed more after it had signed the end.
        Draw memory later = _guaranteed(parties, provider, 60 * WHOLE, 60 * WHOLE);
        assertEq(_conclude(pocketed), 90 * WHOLE, "returned");
        assertEq(channels.draw(later), 50 * WHOLE, "the hub pays what it guaranteed");
        assertEq(channels.redeem(_waiting(hub, provider)), 588 * WHOLE / 10, "all of it");
        _assertConserved();
    }

    function test_a_stale_final_state_after_a_draw_pays_nothing_twice() public {
        FinalState memory stale = _finalWith(parties, provider, 40 * WHOLE, 0);
        _drawByHub(parties, provider, 55 * WHOLE);
        assertEq(_conclude(stale), 45 * WHOLE, "returned");
        assertEq(_tab(parties, provider).drawn, 55 * WHOLE, "not 95");
        _assertConserved();
    }

    function test_a_final_state_is_good_for_one_deployment() public {
        FinalState memory state = _final(parties);
        bytes32 digest = _stateDigest(state, address(channels));
        bytes memory byConsumer = _sign(consumerKey, digest);
        bytes memory byHub = _sign(hubKey, digest);
        // The same parties open the same channel in a second deployment with the same token.
        _deploy(IERC20(address(token)));
        _approve(consumer);
        _approve(hub);
        vm.prank(consumer);
        registry.register(CONSUMER, WHOLE, address(0), "");
        vm.prank(hub);
        registry.register(HUB, 1_000 * WHOLE, address(0), "");
        vm.prank(consumer);
        channels.open(hub, 1, 10 * WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.conclude(state, byConsumer, byHub);
    }

    function test_no_document_is_good_on_another_chain() public {
        Draw memory order = _hubDraw(parties, provider, WHOLE);
        vm.chainId(1);
        vm.prank(hub);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.draw(order);
    }

    function test_no_hub_promise_is_good_on_another_chain() public {
        _fund(10 * WHOLE);
        Redemption memory redemption = _promised(hub, provider, WHOLE);
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, hub));
        channels.redeem(redemption);
        // On a chain that split off, papers of that chain are good.
        assertEq(_redeem(hub, provider, WHOLE), WHOLE, "paid");
    }

    function test_a_channel_id_is_used_once() public {
        _conclude(_final(parties));
        vm.prank(consumer);
        vm.expectPartialRevert(IChannelMoney.ChannelExists.selector);
        channels.open(hub, 1, 10 * WHOLE);
        Parties memory second = _open(2, 10 * WHOLE);
        vm.prank(consumer);
        channels.requestExit(hub, 2);
        vm.warp(START + EXIT_DELAY);
        channels.exit(second, none);
        vm.prank(consumer);
        vm.expectPartialRevert(IChannelMoney.ChannelExists.selector);
        channels.open(hub, 2, 10 * WHOLE);
    }

    // ---------------------------------------------------------- faults and debts

    function test_repeated_redeems_farm_no_penalty() public {
        for (uint256 i = 0; i < 5; ++i) {
            try channels.redeem(_promised(hub, provider, 1_500 * WHOLE)) {} catch {}
            try channels.redeem(_waiting(hub, provider)) {} catch {}
        }
        (, uint32 faults, uint256 debt) = registry.securityOf(hub);
        assertEq(faults, 1, "one fault");
        assertEq(registry.burned(), 1_000 * WHOLE, "one penalty");
        assertEq(debt, 500 * WHOLE, "one debt");
    }

    function test_a_promise_cut_into_slices_is_punished_as_one() public {
        for (uint256 i = 1; i <= 10; ++i) {
            _redeem(hub, provider, i * 10 * WHOLE);
        }
        assertEq(registry.burned(), 100 * WHOLE, "as much as was paid");
        (uint128 stake,,) = registry.securityOf(hub);
        assertEq(stake, 1_800 * WHOLE, "no more");
    }

    function test_a_debt_is_not_counted_twice() public {
        vm.prank(hub);
        channels.announceFee(0);
        // One and the same promise, of which the hub owes the rest as guarantor and by its own promise.
        channels.draw(_guaranteed(parties, provider, 1_300 * WHOLE, 1_300 * WHOLE));
        assertEq(registry.debtOf(hub), 200 * WHOLE, "as guarantor");
        channels.redeem(_waiting(hub, provider));
        uint256 burned = registry.burned();
        _redeem(hub, provider, 1_300 * WHOLE);
        assertEq(registry.debtOf(hub), 200 * WHOLE, "the same debt");
        assertEq(registry.burned(), burned, "and no second penalty");
        (, uint32 faults,) = registry.securityOf(hub);
        assertEq(faults, 1, "nor a second fault");
        assertEq(channels.accountOf(hub, provider).missing, 200 * WHOLE, "claimed here");
        assertEq(channels.accountOf(hub, provider).guaranteedMissing, 200 * WHOLE, "and there");
        // Paid once, it is gone from both.
        vm.prank(relayer);
        channels.repayPromise(hub, provider, 200 * WHOLE);
        channels.repay(parties, provider, 0);
        assertEq(registry.debtOf(hub), 0, "free");
        _assertConserved();
    }

    function test_a_hub_that_slashes_itself_to_its_friend_burns_as_much() public {
        uint256 before = token.balanceOf(provider);
        _redeem(hub, provider, 2_000 * WHOLE);
        assertEq(token.balanceOf(provider) - before, 1_000 * WHOLE, "half of the stake");
        assertEq(registry.burned(), 1_000 * WHOLE, "the other half");
        assertEq(registry.debtOf(hub), 1_000 * WHOLE, "and a debt for ever");
    }

    function test_huge_promises_to_friends_cannot_make_a_redemption_fail() public {
        for (uint256 i = 0; i < 5; ++i) {
            address friend = vm.addr(1_000 + i);
            _redeem(hub, friend, type(uint128).max);
            channels.draw(_guaranteed(parties, friend, type(uint128).max, type(uint128).max));
        }
        assertEq(_redeem(hub, provider, 10 * WHOLE), 0, "nothing left, but no failure");
        assertEq(channels.accountOf(hub, provider).missing, 10 * WHOLE, "recorded");
        vm.prank(relayer);
        channels.repayPromise(hub, provider, 10 * WHOLE);
        assertEq(channels.accountOf(hub, provider).paid, 10 * WHOLE, "paid");
    }

    function test_a_fee_cannot_be_evaded_by_dust() public {
        // 49 units at 2 % pay no fee; two hundred such draws pay that of their sum.
        for (uint256 total = 49; total <= 9_800; total += 49) {
            _drawByHub(parties, provider, total);
        }
        assertEq(_pool(), 196, "2 % of 9,800");
    }

    // ----------------------------------------------------- protests against hubs

    function test_one_unit_above_the_ceiling_blocks_nothing() public {
        assertEq(
            channels.draw(_guaranteed(parties, provider, 50 * WHOLE + 1, 50 * WHOLE)),
            50 * WHOLE,
            "the ceiling"
        );
    }

    /// @notice The hub has longer than any guarantee lives to draw what it stands for.
    function test_a_guarantee_given_before_a_protest_is_drawn_in_time() public {
        Draw memory guaranteed =
            _guaranteedUntil(parties, provider, 90 * WHOLE, 90 * WHOLE, uint64(START) + MAX_GUARANTEE);
        _protest(parties, relayer, 100 * WHOLE);
        vm.warp(START + MAX_GUARANTEE - 1);
        vm.expectPartialRevert(IChannelMoney.ProtestRunning.selector);
        channels.settleProtest(parties, relayer);
        assertEq(channels.draw(guaranteed), 90 * WHOLE, "from the channel, all of it");
        vm.warp(START + PROTEST_WINDOW);
        assertEq(channels.settleProtest(parties, relayer), 15 * WHOLE, "the rest, and the stake");
        (uint128 stake,,) = registry.securityOf(hub);
        assertEq(stake, 2_000 * WHOLE, "the hub lost nothing");
        knownProviders.push(relayer);
        _assertConserved();
    }

    /// @notice A small protest that grows at the last moment would take what was guaranteed meanwhile.
    function test_a_guarantee_given_during_a_protest_is_safe_from_a_larger_one() public {
        _protest(parties, relayer, WHOLE);
        vm.warp(START + PROTEST_WINDOW - MAX_GUARANTEE + 1);
        Draw memory guaranteed =
            _guaranteedUntil(parties, provider, 99 * WHOLE, 99 * WHOLE, uint64(START) + PROTEST_WINDOW + 1);
        bytes memory larger = _signPromise(parties, relayer, 100 * WHOLE);
        vm.expectPartialRevert(IChannelMoney.ProtestTooLate.selector);
        channels.protest(parties, relayer, 100 * WHOLE, larger);
        vm.warp(START + PROTEST_WINDOW);
        channels.settleProtest(parties, relayer);
        assertEq(channels.draw(guaranteed), 99 * WHOLE, "from the channel, all of it");
        (uint128 stake,,) = registry.securityOf(hub);
        assertEq(stake, 2_000 * WHOLE, "the hub lost nothing");
    }

    function test_a_guarantee_given_during_an_exit_costs_the_hub_alone() public {
        _fund(50 * WHOLE);
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        vm.warp(START + EXIT_DELAY);
        Draw memory late = _guaranteed(parties, provider, 40 * WHOLE, 40 * WHOLE);
        assertEq(channels.exit(parties, none), 100 * WHOLE, "the consumer has its money");
        assertEq(channels.draw(late), 40 * WHOLE, "the hub pays for its mistake");
        _assertConserved();
    }

    function test_protests_in_a_row_cannot_lock_an_exit() public {
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        uint256 t = START;
        uint256 count;
        address[] memory protesters = new address[](60);
        while (t < START + EXIT_DELAY) {
            vm.warp(t);
            address other = vm.addr(5_000 + count);
            try channels.protest(parties, other, WHOLE, _signPromise(parties, other, WHOLE)) {
                protesters[count++] = other;
            } catch {}
            t += 1 hours;
        }
        assembly ("memory-safe") {
            mstore(protesters, count)
        }
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, protesters), (100 - count) * WHOLE, "on time");
    }

    function test_no_protest_after_the_exit() public {
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        vm.warp(START + EXIT_DELAY);
        channels.exit(parties, none);
        bytes memory signature = _signPromise(parties, provider, 10 * WHOLE);
        vm.expectPartialRevert(IChannelMoney.ProtestTooLate.selector);
        channels.protest(parties, provider, 10 * WHOLE, signature);
    }

    // ----------------------------------------------------------------- prices

    function _publish(uint256 price, uint64 issuedAt) private {
        Proposal memory proposal;
        proposal.provider = provider;
        proposal.country = "SI";
        proposal.pricePerMegabyte = price;
        proposal.issuedAt = issuedAt;
        marketplace.publish(proposal, _signProposal(proposal));
    }

    function _terms(uint256 price, uint64 issuedAt) private view returns (SessionTerms memory) {
        return SessionTerms(provider, consumer, _id(parties), price, 0, 2_000_000, issuedAt, issuedAt + 60);
    }

    function test_a_price_lowered_later_frames_no_older_terms() public {
        _publish(100, uint64(START) - 2);
        SessionTerms memory fair = _terms(100, uint64(START) + 10);
        bytes memory signature = _signTerms(fair);
        vm.warp(START + 1_000);
        _publish(10, uint64(START) + 500);
        vm.expectPartialRevert(IMarketplace.NotOvercharged.selector);
        marketplace.reportOvercharge(fair, signature);
    }

    function test_a_price_raised_later_hides_no_overcharge() public {
        _publish(100, uint64(START) - 2);
        SessionTerms memory dear = _terms(110, uint64(START) + 10);
        bytes memory signature = _signTerms(dear);
        vm.warp(START + 1_000);
        _publish(110, uint64(START) + 500);
        vm.warp(START + 1_000 + RAISE_NOTICE);
        vm.prank(provider);
        marketplace.withdrawOffer();
        assertEq(marketplace.reportOvercharge(dear, signature), PENALTY, "slashed");
    }
}
