// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {AccountView, Draw, Parties, Payment, Redemption} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

contract RedeemTest is World {
    Parties private parties;

    function setUp() public override {
        super.setUp();
        parties = _open(1, 100 * WHOLE);
    }

    function test_what_waits_goes_to_the_beneficiary() public {
        vm.prank(provider);
        registry.setBeneficiary(relayer);
        _drawByHub(parties, provider, 50 * WHOLE);
        uint256 before = token.balanceOf(relayer);
        vm.expectEmit();
        emit IChannelMoney.Redeemed(hub, provider, relayer, 49 * WHOLE, 49 * WHOLE);
        assertEq(channels.redeem(_waiting(hub, provider)), 49 * WHOLE, "paid");
        assertEq(token.balanceOf(relayer) - before, 49 * WHOLE, "received");
        _assertConserved();
    }

    function test_a_hub_promise_is_advanced_from_the_pool() public {
        _fund(60 * WHOLE);
        assertEq(_redeem(hub, provider, 60 * WHOLE), 60 * WHOLE, "paid");
        assertEq(_pool(), 0, "pool");
        _drawByHub(parties, provider, 50 * WHOLE);
        assertEq(_pool(), 50 * WHOLE, "the whole draw goes back to who advanced it");
        AccountView memory account = channels.accountOf(hub, provider);
        assertEq(account.credited, 49 * WHOLE, "C");
        assertEq(account.paid, 60 * WHOLE, "D");
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.NothingToRedeem.selector, hub, provider, uint256(0), 60 * WHOLE
            )
        );
        channels.redeem(_waiting(hub, provider));
        _assertConserved();
    }

    /// @notice I4: whatever the order of draw and redeem, a provider gets max(T, C), once.
    function testFuzz_the_order_does_not_matter(uint128 drawn_, uint128 total_, bool drawFirst) public {
        uint256 drawn = bound(drawn_, 1, 100 * WHOLE);
        uint256 total = bound(total_, 1, 200 * WHOLE);
        _fund(200 * WHOLE);
        uint256 before = token.balanceOf(provider);
        if (drawFirst) _drawByHub(parties, provider, drawn);
        _redeem(hub, provider, total);
        if (!drawFirst) _drawByHub(parties, provider, drawn);
        uint256 net = drawn - drawn * DEFAULT_FEE / 10_000;
        if (!drawFirst && net > total) channels.redeem(_waiting(hub, provider));
        assertEq(token.balanceOf(provider) - before, net > total ? net : total, "received");
        assertEq(
            _pool() + token.balanceOf(provider) - before + _balance(parties), 300 * WHOLE, "nothing lost"
        );
        vm.expectPartialRevert(IChannelMoney.NothingToRedeem.selector);
        channels.redeem(_promised(hub, provider, total));
        _assertConserved();
    }

    function test_an_older_promise_adds_nothing() public {
        _fund(60 * WHOLE);
        _redeem(hub, provider, 60 * WHOLE);
        Redemption memory older = _promised(hub, provider, 59 * WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.NothingToRedeem.selector, hub, provider, 59 * WHOLE, 60 * WHOLE
            )
        );
        channels.redeem(older);
    }

    function testFuzz_a_changed_promise_is_refused(uint8 field) public {
        _fund(10 * WHOLE);
        Redemption memory redemption = _promised(hub, provider, WHOLE);
        uint256 kind = bound(field, 0, 3);
        if (kind == 0) redemption.total += 1;
        if (kind == 1) redemption.provider = relayer;
        if (kind == 2) redemption.signature = "";
        if (kind == 3) redemption.signature = _signHubPromise(provider, provider, WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, hub));
        channels.redeem(redemption);
    }

    function test_a_total_beyond_its_field_is_refused_at_entry() public {
        Redemption memory redemption = _promised(hub, provider, uint256(1) << 128);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.AmountTooLarge.selector, uint256(1) << 128, type(uint128).max
            )
        );
        channels.redeem(redemption);
    }

    /// @notice I5, I6: a short pool costs the hub twice what it lacks, and the provider is paid.
    function testFuzz_a_short_pool_is_made_good_by_the_stake(uint128 total_, uint128 pool_) public {
        uint256 total = bound(total_, 1, 4_000 * WHOLE);
        uint256 pool = bound(pool_, 0, 500 * WHOLE);
        if (pool > 0) _fund(pool);
        uint256 before = token.balanceOf(provider);
        uint256 paid = _redeem(hub, provider, total);
        uint256 lacked = total > pool ? total - pool : 0;
        uint256 slashed = lacked < 1_000 * WHOLE ? lacked : 1_000 * WHOLE;
        assertEq(paid, total - lacked + slashed, "paid");
        assertEq(token.balanceOf(provider) - before, paid, "received");
        assertEq(registry.burned(), slashed, "burned");
        (uint128 stake, uint32 faults, uint256 debt) = registry.securityOf(hub);
        assertEq(stake, 2_000 * WHOLE - 2 * slashed, "stake");
        assertEq(faults, lacked > 0 ? 1 : 0, "fault");
        assertEq(debt, lacked - slashed, "debt");
        assertEq(channels.accountOf(hub, provider).missing, debt, "missing");
        _assertConserved();
    }

    function test_a_hub_without_a_name_owes_too() public {
        address stranger = _account("stranger");
        knownHubs.push(stranger);
        knownIdentities.push(stranger);
        assertEq(_redeem(stranger, provider, 7 * WHOLE), 0, "nothing to take");
        assertEq(registry.debtOf(stranger), 7 * WHOLE, "debt");
        _assertConserved();
    }

    function test_repeating_a_redemption_that_found_nothing_changes_nothing() public {
        Redemption memory redemption = _promised(hub, provider, 5_000 * WHOLE);
        channels.redeem(redemption);
        vm.expectPartialRevert(IChannelMoney.NothingToRedeem.selector);
        channels.redeem(redemption);
        assertEq(registry.debtOf(hub), 4_000 * WHOLE, "debt");
        assertEq(registry.burned(), 1_000 * WHOLE, "burned");
        // A smaller one says less.
        Redemption memory smaller = _promised(hub, provider, 4_500 * WHOLE);
        vm.expectPartialRevert(IChannelMoney.NothingToRedeem.selector);
        channels.redeem(smaller);
        assertEq(registry.debtOf(hub), 4_000 * WHOLE, "debt");
        // A larger one is punished for what it adds.
        _redeem(hub, provider, 5_100 * WHOLE);
        assertEq(registry.debtOf(hub), 4_100 * WHOLE, "debt");
        (, uint32 faults,) = registry.securityOf(hub);
        assertEq(faults, 2, "faults");
        _assertConserved();
    }

    function test_what_is_missing_is_paid_by_whatever_comes_later() public {
        _redeem(hub, provider, 1_100 * WHOLE);
        assertEq(registry.debtOf(hub), 100 * WHOLE, "debt");
        // From the channel.
        _drawByHub(parties, provider, 50 * WHOLE);
        assertEq(channels.accountOf(hub, provider).missing, 100 * WHOLE, "missing until it is paid");
        // From the pool, without showing the promise again.
        _fund(30 * WHOLE);
        uint256 before = token.balanceOf(provider);
        assertEq(channels.redeem(_waiting(hub, provider)), 80 * WHOLE, "fee, draw and pool");
        assertEq(registry.debtOf(hub), 20 * WHOLE, "debt");
        // From new stake, without a second penalty.
        uint256 burned = registry.burned();
        vm.prank(relayer);
        registry.addStake(hub, 15 * WHOLE);
        assertEq(channels.redeem(_waiting(hub, provider)), 15 * WHOLE, "stake");
        assertEq(registry.burned(), burned, "no penalty");
        // By hand.
        vm.prank(relayer);
        assertEq(channels.repayPromise(hub, provider, 100 * WHOLE), 5 * WHOLE, "the rest");
        assertEq(token.balanceOf(provider) - before, 100 * WHOLE, "all of it");
        assertEq(registry.debtOf(hub), 0, "free");
        assertEq(channels.accountOf(hub, provider).paid, 1_100 * WHOLE, "D");
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NothingMissing.selector, provider));
        channels.repayPromise(hub, provider, 1);
        _assertConserved();
    }

    function test_many_pass_over_what_adds_nothing() public {
        _fund(100 * WHOLE);
        knownProviders.push(relayer);
        Payment[] memory payments = new Payment[](3);
        payments[0] = _payment(hub, provider, 10 * WHOLE);
        payments[1] = _payment(hub, provider, 0);
        payments[2] = _payment(hub, relayer, 20 * WHOLE);
        assertEq(channels.redeemMany(hub, payments), 30 * WHOLE, "paid");
        assertEq(channels.redeemMany(hub, payments), 0, "passed over");
        payments[0] = _payment(relayer, provider, 11 * WHOLE);
        payments[2] = _payment(hub, relayer, 21 * WHOLE);
        assertEq(channels.redeemMany(hub, payments), WHOLE, "what the hub did not sign is passed over");
        payments[2] = _payment(hub, relayer, uint256(type(uint128).max) + 1);
        vm.expectPartialRevert(IChannelMoney.AmountTooLarge.selector);
        channels.redeemMany(hub, payments);
        _assertConserved();
    }

    function test_many_need_no_signature_for_what_was_drawn() public {
        _drawByHub(parties, provider, 50 * WHOLE);
        Payment[] memory payments = new Payment[](1);
        payments[0] = Payment({provider: provider, total: 49 * WHOLE, r: 0, vs: 0});
        assertEq(channels.redeemMany(hub, payments), 49 * WHOLE, "paid");
        payments[0].total += 1;
        assertEq(channels.redeemMany(hub, payments), 0, "passed over");
        _assertConserved();
    }

    function test_accounts_of_many() public {
        _fund(10 * WHOLE);
        _redeem(hub, provider, 10 * WHOLE);
        _drawByHub(parties, relayer, 50 * WHOLE);
        address[] memory providers = new address[](2);
        (providers[0], providers[1]) = (provider, relayer);
        AccountView[] memory accounts = channels.accountsOf(hub, providers);
        assertEq(accounts[0].paid, 10 * WHOLE, "D of one");
        assertEq(accounts[1].credited, 49 * WHOLE, "C of the other");
        assertEq(channels.tabsOf(_id(parties), providers)[1].drawn, 50 * WHOLE, "tab");
        assertEq(channels.tabsOf(_id(parties), providers)[0].drawn, 0, "no tab");
    }

    // ------------------------------------------------------------------ repaying

    /// @dev 100 tokens of a guaranteed promise are in neither channel, pool nor stake.
    function _lackOnAGuarantee() private {
        vm.prank(hub);
        channels.announceFee(0);
        channels.draw(_guaranteed(parties, provider, 1_200 * WHOLE, 1_200 * WHOLE));
    }

    function test_a_guaranteed_promise_is_repaid_by_anyone() public {
        _lackOnAGuarantee();
        assertEq(_tab(parties, provider).missingByHub, 100 * WHOLE, "missing");
        vm.prank(relayer);
        assertEq(channels.repay(parties, provider, 40 * WHOLE), 40 * WHOLE, "taken");
        assertEq(registry.debtOf(hub), 60 * WHOLE, "debt");
        assertEq(_tab(parties, provider).drawn, 1_140 * WHOLE, "drawn");
        vm.prank(relayer);
        assertEq(channels.repay(parties, provider, 1_000 * WHOLE), 60 * WHOLE, "no more than is missing");
        assertEq(registry.debtOf(hub), 0, "free");
        assertEq(channels.accountOf(hub, provider).credited, 1_200 * WHOLE, "C");
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NothingMissing.selector, provider));
        channels.repay(parties, provider, 1);
        _assertConserved();
    }

    function test_what_the_hub_advanced_is_not_owed_again() public {
        _lackOnAGuarantee();
        channels.redeem(_waiting(hub, provider));
        // The hub pays the rest by a promise of its own.
        _fund(60 * WHOLE);
        uint256 pool = _pool();
        _redeem(hub, provider, 1_160 * WHOLE);
        assertEq(_pool(), pool - 60 * WHOLE, "advanced");
        assertEq(registry.debtOf(hub), 100 * WHOLE, "the guarantee still lacks");
        assertEq(channels.repayable(parties, provider), 40 * WHOLE, "what it has not advanced");
        // Showing that takes no tokens as far as it was advanced.
        uint256 before = token.balanceOf(relayer);
        vm.prank(relayer);
        assertEq(channels.repay(parties, provider, 0), 0, "taken");
        assertEq(token.balanceOf(relayer), before, "nothing");
        assertEq(registry.debtOf(hub), 40 * WHOLE, "debt");
        vm.expectRevert(IChannelMoney.ZeroAmount.selector);
        channels.repay(parties, provider, 0);
        _assertConserved();
    }

    function test_what_the_hub_advanced_may_be_more_than_is_missing() public {
        _lackOnAGuarantee();
        channels.redeem(_waiting(hub, provider));
        _fund(160 * WHOLE);
        _redeem(hub, provider, 1_260 * WHOLE);
        assertEq(channels.repayable(parties, provider), 0, "all is advanced");
        assertEq(channels.repay(parties, provider, 7 * WHOLE), 0, "taken");
        assertEq(registry.debtOf(hub), 0, "free");
        _assertConserved();
    }

    function test_a_guarantee_that_lacked_is_drawn_from_what_is_deposited_later() public {
        _lackOnAGuarantee();
        assertEq(_tab(parties, provider).missingByHub, 100 * WHOLE, "missing");
        vm.prank(consumer);
        channels.deposit(parties, 30 * WHOLE);
        channels.draw(_guaranteed(parties, provider, 1_200 * WHOLE, 1_200 * WHOLE));
        assertEq(_tab(parties, provider).missingByHub, 70 * WHOLE, "missing");
        assertEq(registry.debtOf(hub), 70 * WHOLE, "debt");
        vm.prank(consumer);
        channels.deposit(parties, 10 * WHOLE);
        _drawByHub(parties, provider, 1_200 * WHOLE);
        assertEq(_tab(parties, provider).missingByHub, 60 * WHOLE, "missing");
        _assertConserved();
    }
}
