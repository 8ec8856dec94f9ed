/* Balsong dispatch protocol (rules R1-R12 of ../design/system.md).  One file: the protocol by default, -DMUT_x = one rule removed,
 * -DAW = the early draft.  See README.md.
 * NT targets, NA attempts (route steps), NG rounds per attempt, MR of them that count before PAUSED(rounds); budgets: B faults,
 * OB operator actions, QB window closings, TB calls that the provider refused for now or for everybody, EB deadlines that pass
 * (or exhaustions a run decides), CB corrections of a target's data, RB restores of the database to an earlier moment,
 * RPB reports of a vendor about a key, IB inquiries that learn something, LB refusals of a message that the vendor accepted.
 * -DNOTE: the policy only notes what was undelivered; -DUS: a report may say that it was undelivered because of us, -DUC: because of its content;
 * -DCOMPLETE: the vendor's list is complete; -DFO: failover inside an attempt */
#ifndef NT
#define NT 1
#endif
#ifndef B
#define B 2
#endif
#ifndef OB
#define OB 0
#endif
#ifndef QB
#define QB 0
#endif
#ifndef TB
#define TB 0
#endif
#ifndef EB
#define EB 0
#endif
#ifndef CB
#define CB 0
#endif
#ifndef RB
#define RB 0
#endif
#ifndef RPB
#define RPB 0
#endif
#ifndef IB
#define IB 0
#endif
#ifndef LB
#define LB 0
#endif
#ifndef NG
#define NG 3
#endif
#ifndef MR
#define MR (NG-1)                 /* put-backs that count: the one after the MR-th pauses, and so on after each resume */
#endif
#ifndef NSET
#define NSET 1                    /* settlement tasks */
#endif
#define NA 2
#define QM 2                      /* copies of one message in the topic, saturating */
#define KK (NA*NG)
#define KEY(t) ((t)*KK+at[t]*NG+df[t])
#define TGT(k) ((k)/KK)
#define ATT(k) (((k)%KK)/NG)
#define HOLD 0
#define RESEND 1
#define RETRYKEY 2                /* a later extension: same key, same provider key, again */
#ifndef POL
#define POL HOLD
#endif
#define DEAD 9
/* fault classes, each can be switched off with -DXx=0 (-DX0 = all off by default) */
#ifdef X0
#define XDEF 0
#else
#define XDEF 1
#endif
#ifndef XD
#define XD XDEF                  /* dispatcher crash */
#endif
#ifndef XU
#define XU XDEF                  /* publish ack lost / publish failed */
#endif
#ifndef XZ
#define XZ XDEF                  /* PG ends the dispatcher session, it publishes on */
#endif
#ifndef XC
#define XC XDEF                  /* consumer crash */
#endif
#ifndef XR
#define XR XDEF                  /* rebalance while alive */
#endif
#ifndef XM
#define XM XDEF                  /* message lost or dead-lettered */
#endif
#ifndef XS
#define XS XDEF                  /* live consumer stalls past its lease */
#endif
#ifndef XT
#define XT XDEF                  /* ... also between its send-by check and its call (0: check and call are one step) */
#endif
#ifndef XE
#define XE XDEF                  /* reaper fires early */
#endif
#ifndef XL
#define XL XDEF                  /* claim: the answer to COMMIT is lost (committed or not) */
#endif
#ifndef XG
#define XG XDEF                  /* gateway answer lost */
#endif
#ifndef XP
#define XP XDEF                  /* content that must not go out */
#endif
/* target.dispatch_status (READY stands for READY and FAILED: the candidates) */
#define READY 0
#define REQ 1
#define SUCC 2
#define EXH 3
#define UNK 4
#define PAUSED 5                  /* PAUSED(content) = PAUSED with key LCONT; PAUSED(rounds) = with key LNOT in the last round */
#define CANC 6
#define EXPD 7
#define WOFF 8
/* ledger row state */
#define NONE 0
#define CLAIMED 1
#define LSUCC 2
#define LFAIL 3
#define LNOT 4                    /* NOT_SENT that counts: window closed, given up before the call */
#define LREV 5                    /* REVOKED by cancel, expiry, exhaustion, correction, late success */
#define LUNK 6
#define LRETRY 7                  /* RETRYKEY: unknown, may be re-claimed under the same provider key */
#define LCONT 8                   /* FAILED(content) */
#define LEXP 9                    /* NOT_SENT(expired) */
#define LTHR 10                   /* NOT_SENT that counts for nothing: throttled, or refused by the provider whoever the customer is */
#define NOTSENT(t) (E(t)==LNOT || E(t)==LTHR)

#if NG==1
#define ALLG(X,o) X((o))
#elif NG==2
#define ALLG(X,o) X((o)) X((o)+1)
#elif NG==3
#define ALLG(X,o) X((o)) X((o)+1) X((o)+2)
#elif NG==4
#define ALLG(X,o) X((o)) X((o)+1) X((o)+2) X((o)+3)
#else
#define ALLG(X,o) X((o)) X((o)+1) X((o)+2) X((o)+3) X((o)+4)
#endif
#if NT==1
#define ALLROWS(X) ALLG(X,0) ALLG(X,NG)
#else
#define ALLROWS(X) ALLG(X,0) ALLG(X,NG) ALLG(X,KK) ALLG(X,KK+NG)
#endif
#define TAKEO(i) :: TAKE(i)
#define TAKES ALLROWS(TAKEO)
#define ROWS ALLROWS(EXPIRE) ALLROWS(SWEEP)

byte st[NT], at[NT], df[NT], lock[NT];
byte cw[NT];                      /* the wish: CANC, EXPD or EXH, 0 = none */
byte dl[NT];                      /* what the next run will decide: EXPD (deadline passed) or EXH */
#if defined(MUT_SUCTOKEN) || defined(MUT_SUCGUARD) || defined(MUT_INQGUARD)
bit kn[NT];                       /* a success was answered, whoever stored it */
#define KN(t) kn[t]
#else
#define KN(t) SX(t)
#endif
bit  sx[NT], forced[NT], amb[NT]; /* sx: some ledger row is SUCCEEDED */
bit  chg[NT];                     /* some ledger row of the target changed since settlement last looked (the sweep's watermark) */
byte calls[NT*NA], acc[NT*NA];    /* calls the gateway did not refuse for now; calls it accepted */
byte since[NT];                   /* put-backs that count since the attempt began or PAUSED(rounds) was resumed; nothing reads it but I11 */
byte q[NT*KK], hold[NT*KK], led[NT*KK], tok[NT*KK];
bit  lease[NT*KK];
#if POL==RETRYKEY
bit took[NT*KK];                  /* this claim is a second one */
#define TOOK(k) took[k]
#define TAKEN(k) took[k]=1
#else
#define TOOK(k) 0
#define TAKEN(k) skip
#endif
#ifdef AW
byte rs[NT*KK];
#endif
#if CB>0
byte cmin[NT];                    /* the first key that carries the corrected data */
#endif
bit con[NT];                      /* content was refused and not corrected */
byte bud = B, opb = OB, qb = QB, tb = TB, eb = EB, cb = CB;
byte rb = RB;
#if RPB>0 || IB>0
byte vend[NT*KK];                 /* what the vendor knows of the key: VACC, VUND, VREF */
#define VACC 1                    /* accepted */
#define VUND 2                    /* ... and certainly not delivered, as it has said */
#define VREF 4                    /* refused for good */
#define VOUR 8                    /* accepted, and certainly not delivered, because of us */
#define VCON 16                   /* ... because of its content */
#define VGONE (VUND|VOUR|VCON)
#define VENDOR(k,x) vend[k]=vend[k]|(x);
#else
#define VENDOR(k,x)
#endif
#if RPB>0
byte rpb = RPB;
byte rep[NT*KK];                  /* the stored reports about the key, a set: DELIV, UNDEL, OURS, CONT */
#define DELIV 1
#define UNDEL 2
#define OURS 4                    /* undelivered because of us: the account, the address on a block list, the template */
#define CONT 8                    /* undelivered because of its content */
byte wkey[NT];                    /* the key at which somebody, or the deadline, wished an end, + 1; nothing reads it but I12 */
#define WISHED(t) wkey[t]=KEY(t)+1;
#define UNWISHED(t) wkey[t]=0;
#else
#define WISHED(t)
#define UNWISHED(t)
#endif
#if IB>0
byte ib = IB;
#endif
#if WIT==20
bit second;
#define SECOND second=1;
#else
#define SECOND
#endif
#if WIT==30
bit plainly;
#define SAWDELIV(x) plainly=(rep[KEY(x)]==DELIV);
#else
#define SAWDELIV(x)
#endif
#if LB>0
byte lb = LB;
#endif
#if RB>0 && RPB>0
byte srep[NT*KK];
#define SAVEREP srep[i]=rep[i];
#define LOSEREP rep[i]=srep[i]; srep[i]=0;
#define LOSEWISH wkey[i]=0;
#define LOSTREP over              /* the report that took it back is lost and may never come again */
#ifdef MUT_RSUCC                  /* as it was: SUCCEEDED stays at its key */
#define RMOVES(t) false
#else
#define RMOVES(t) (st[t]==SUCC)
#endif
#else
#define SAVEREP
#define LOSEREP
#define LOSEWISH
#define LOSTREP false
#define RMOVES(t) false
#endif
/* rp is a function of the ledger: what a report, an inquiry or a verdict would let continue waits for a person, as a correction may be lost.
 * A key that was claimed after the check holds nothing: it went out because a person let it */
#if RB>0 && defined(MUT_OURHOLD)  /* the next channel is held, the next round is not */
#define HOLDRP(t) ; if :: rp[t] && st[t]==READY && a==LFAIL -> st[t]=PAUSED :: else fi
#elif RB>0 && (RPB>0 || IB>0 || defined(VERDICT)) && !defined(MUT_RHOLD)
#define HOLDRP(t) ; if :: rp[t] && st[t]==READY -> st[t]=PAUSED :: else fi
#define UNHOLD(k) ; rp[TGT(k)]=0
#define LETGO(t) rp[t]=0;
#else
#define HOLDRP(t)
#endif
#ifndef UNHOLD
#define UNHOLD(k)
#define LETGO(t)
#endif
#if RB>0
byte sst[NT], sat[NT], sdf[NT], scw[NT], sled[NT*KK]; /* the database as it is at the moment to which it will be restored */
bit  scon[NT], snap;
#if CB>0
byte scm[NT];
bit  old[NT];                     /* the restored database holds data that were corrected, and the log shows it */
#endif
bit  req[NT*KK];                  /* the event log: a request for the key was published; it outlives every restore */
bit  rp[NT];                      /* PAUSED(restored) */
bit  down;                        /* everything is being stopped: whoever is at work may be killed anywhere */
byte busy;                        /* dispatchers and settlement tasks at work */
byte was[NT*KK];                  /* within the step of a restore: the ledger that is lost, of which results may tell */
bit  told[NT*KK];                 /* ... and its result is in the log */
bit  had[NT*KK];                  /* ... and the key has a row in the restored database */
#define PUBLISHED(k) req[k]=1;
#define BEGIN busy++;
#define DONE busy--;
#define KILLED down
#define WORKING !down
#else
#define PUBLISHED(k)
#define BEGIN
#define DONE
#define KILLED false
#define WORKING true
#endif
bit  quiet, bz, dz;               /* bz, dz: Delivery 0 / Dispatcher 0 is busy (symmetry: the second starts only beside the first) */
#ifdef NOEXH
#define REJECT false
#else
#define REJECT true
#endif

#define FAULT(x) (x) && bud>0 -> bud--
#define WEAK(t) (POL!=HOLD || forced[t])
#define LATEXT(t) (XT && (POL==RESEND || forced[t]))        /* an older attempt's caller, stalled after its check, may still call */
#define CLOSE(k) tok[k]=0; lease[k]=0; chg[TGT(k)]=1
#define L(t) led[KEY(t)]
/* the effective state of a row: a function of the row and the set of reports about its key.  A CLAIMED row waits for its outcome */
#if RPB>0
#ifdef ATONCE                     /* reports count for a CLAIMED row too: no fault, but nothing is won */
#define TOLD(k) (led[k]!=NONE)
#else
#define TOLD(k) (led[k]!=NONE && led[k]!=CLAIMED)
#endif
#ifdef NOTE
#define REFUSED(k) false
#else
#ifdef MUT_OURNEXT                /* about us is taken for about the customer */
#define REFUSED(k) (TOLD(k) && (rep[k]&(UNDEL|OURS)))
#elif defined(MUT_REPCONT)
#define REFUSED(k) (TOLD(k) && (rep[k]&(UNDEL|CONT)))
#else
#define REFUSED(k) (TOLD(k) && (rep[k]&UNDEL))
#endif
#endif
#if defined(US) && !defined(NOTE) && !defined(MUT_OURACC)
#define PUTBACK(k) (TOLD(k) && (rep[k]&OURS) && led[k]!=LFAIL && led[k]!=LCONT && led[k]!=LEXP)
#define NOTOURS(k) (!TOLD(k) || !(rep[k]&OURS))
#if defined(UC) && !defined(MUT_REPCONT)  /* the strictest class wins: content, the customer's, ours */
#define BADCONT(k) (TOLD(k) && (rep[k]&CONT))
#else
#define BADCONT(k) false
#endif
#define ACCEPTED(k) (!BADCONT(k) && !REFUSED(k) && NOTOURS(k) && (led[k]==LSUCC || (TOLD(k) && rep[k]!=0)))
#define EFF(k) (BADCONT(k) -> LCONT : (REFUSED(k) -> LFAIL : (PUTBACK(k) -> LNOT : (ACCEPTED(k) -> LSUCC : led[k]))))
#else
#define ACCEPTED(k) (!REFUSED(k) && (led[k]==LSUCC || (TOLD(k) && rep[k]!=0)))
#define EFF(k) (REFUSED(k) -> LFAIL : (ACCEPTED(k) -> LSUCC : led[k]))
#endif
#define E(t) EFF(KEY(t))
#define ACC1(k) || ACCEPTED(k)
#define SX(t) (false ALLG(ACC1,(t)*KK) ALLG(ACC1,(t)*KK+NG))
#else
#define E(t) L(t)
#define SX(t) sx[t]
#endif

#ifdef US                         /* the vendor refused a message of the attempt, or did not deliver it, because of the customer */
#define CUST1(i) || (vend[i]&(VREF|VUND))
#define CUST(t,n) (false ALLG(CUST1,(t)*KK+(n)*NG))
#define OURS1(i) + ((vend[i]&(VOUR|VCON))!=0)
#define MAYCALLS(k) (1 ALLG(OURS1,((k)/NG)*NG))      /* each message that came to nothing because of us, or was corrected, may be followed by a call */
#else
#define MAYCALLS(k) 1
#endif

inline invcall(k) {               /* the gateway is being called for key k */
  d_step {
  calls[TGT(k)*NA+ATT(k)]++;
  assert(POL==RETRYKEY || calls[TGT(k)*NA+ATT(k)]<=MAYCALLS(k));             /* I1 */
  assert(!(st[TGT(k)]==SUCC && (!WEAK(TGT(k)) || (k==KEY(TGT(k)) && led[k]==CLAIMED))));  /* I2 */
#ifndef NOI2B
  assert(WEAK(TGT(k)) || (st[TGT(k)]!=CANC && st[TGT(k)]!=EXH && st[TGT(k)]!=EXPD));      /* I2b: cancelled, expired is never sent */
#endif
  assert(LATEXT(TGT(k)) || ATT(k)==1 || calls[TGT(k)*NA+1]==0);                           /* I4: not n after n+1 */
  assert((POL==RESEND||forced[TGT(k)]) || ATT(k)==0 || acc[TGT(k)*NA]==0);                /* I4: not n+1 when n accepted */
#if CB>0
  assert(LATEXT(TGT(k)) || k>=cmin[TGT(k)]);                                              /* I7: old data never goes out */
#if RB>0
  assert(!old[TGT(k)]);
#endif
#endif
  assert(LATEXT(TGT(k)) || !con[TGT(k)]);                                                 /* I10: refused content goes nowhere */
#if RPB>0
  assert(wkey[TGT(k)]==0 || k<wkey[TGT(k)]);                                              /* I12: no new key after a wish */
#endif
#ifdef US
  assert(WEAK(TGT(k)) || ATT(k)==0 || CUST(TGT(k),0));                                    /* I13: what is about us moves nobody to the next channel */
#endif
  }
}
#define RESET k=0; r=0; own=0; if :: _pid==0 -> bz=0 :: else fi
#if RB>0
#define DIES (KILLED || (XC && bud>0)) -> if :: KILLED :: else -> bud-- fi
#define DDIES (KILLED || (XD && bud>0)) -> if :: KILLED :: else -> bud-- fi
#else
#define DIES FAULT(XC)
#define DDIES FAULT(XD)
#endif
#define CRASH atomic { DIES; if :: own && q[k]<QM -> q[k]++ :: else fi; hold[k]--; \
   if :: tok[k]==me -> tok[k]=DEAD; amb[TGT(k)]=1 :: else fi; RESET; goto idle }
#define REBAL atomic { XR && own && bud>0 -> bud--; own=0; if :: q[k]<QM -> q[k]++ :: else fi }
#define TAKE(i) atomic { q[i]>0 && WORKING && (_pid==0 || bz) -> q[i]--; hold[i]++; k=i; own=1; if :: _pid==0 -> bz=1 :: else fi; goto got }
#define CLAIMIT(k) if :: led[k]==LRETRY -> TAKEN(k) :: else fi; led[k]=CLAIMED; tok[k]=me; lease[k]=1 UNHOLD(k)
#if LB>0                          /* a refusal, and yet the message was accepted: reports tell.  Nothing can prevent the second copy then */
#define LIES(k) :: lb>0 -> lb--; acc[TGT(k)*NA+ATT(k)]++; VENDOR(k,VACC); forced[TGT(k)]=1; r=LFAIL
#else
#define LIES(k)
#endif
#define CALL(k) invcall(k); \
       if \
       :: (POL!=RETRYKEY || acc[TGT(k)*NA+ATT(k)]==0) -> acc[TGT(k)*NA+ATT(k)]++; VENDOR(k,VACC) r=LSUCC \
       :: (POL==RETRYKEY && acc[TGT(k)*NA+ATT(k)]>0) -> r=LSUCC          /* provider knows the key */ \
       :: REJECT -> VENDOR(k,VREF) r=LFAIL \
       LIES(k) \
       :: tb>0 -> tb--; calls[TGT(k)*NA+ATT(k)]--; r=LTHR                /* 429, 401, suspended: surely not accepted */ \
       :: XG && bud>0 -> bud--; amb[TGT(k)]=1; VENDOR(k,VREF) r=LUNK    /* answer lost, not accepted */ \
       :: XG && bud>0 -> bud--; amb[TGT(k)]=1; VENDOR(k,VACC) r=LUNK;   /* answer lost, accepted */ \
            if :: POL==RETRYKEY && acc[TGT(k)*NA+ATT(k)]>0 :: else -> acc[TGT(k)*NA+ATT(k)]++ fi \
       fi

active [2] proctype Delivery() {
  byte k=0, r=0; bit own=0; byte me = _pid+1;
idle: end: do
  TAKES
  od;
got:
#ifdef AW
  goto claim;
#else
  if
  :: atomic { quiet -> r=LNOT; goto defer }
  :: atomic { dl[TGT(k)]==EXPD -> r=LEXP; goto defer }
  :: atomic { FAULT(XP); r=LCONT; goto defer }
  :: atomic { !quiet && dl[TGT(k)]!=EXPD -> goto claim }
  :: CRASH
  :: REBAL; goto got
  :: atomic { FAULT(XM); hold[k]--; RESET; goto idle }            /* dead-lettered / lost message */
  fi;
#endif
defer:                                                             /* INSERT ... ON CONFLICT DO NOTHING */
  if
  :: atomic { true -> if :: led[k]==NONE -> led[k]=r; CLOSE(k); if :: r==LCONT -> con[TGT(k)]=1 :: else fi
                         :: else fi; goto fin }
  :: CRASH
  fi;
claim:
  if
  :: atomic { led[k]==NONE || led[k]==LRETRY -> CLAIMIT(k); goto claimed }
  :: atomic { XL && bud>0 && (led[k]==NONE || led[k]==LRETRY) -> bud--;   /* COMMIT's answer is lost; done or not */
       if :: CLAIMIT(k);
#ifdef MUT_NOTOKEN
             tok[k]=DEAD; goto fin                                  /* the row is somebody's: drop */
#endif
          :: true fi;
       goto look }
#ifdef AW
  :: atomic { led[k]==CLAIMED && !lease[k] -> rs[k]=rs[k]|8; goto fin }   /* in doubt */
  :: atomic { led[k]!=NONE && !(led[k]==CLAIMED && !lease[k]) -> goto fin }
#else
  :: atomic { led[k]!=NONE && led[k]!=LRETRY -> goto fin }     /* drop; the row carries the duty from here */
#endif
  :: CRASH
  :: REBAL; goto claim
  fi;
look:
  if
  :: atomic { led[k]==CLAIMED && tok[k]==me -> goto claimed }
  :: atomic { !(led[k]==CLAIMED && tok[k]==me) -> goto claim }
#ifndef AW
  :: atomic { true -> r=LNOT; goto abandon }                    /* gives up: it surely has not called */
  :: CRASH
#endif
  fi;
claimed:
  if
#ifdef AW
  :: atomic { quiet -> rs[k]=rs[k]|4; goto fin }                /* DEFERRED result */
  :: atomic { !quiet && st[TGT(k)]==CANC -> goto fin }
  :: atomic { !quiet && st[TGT(k)]!=CANC && !(lease[k]&&tok[k]==me) -> goto fin }
  :: atomic { !quiet && st[TGT(k)]!=CANC && lease[k] && tok[k]==me -> goto call }
#else
#ifdef MUT_BLINDCANCEL
  :: atomic { st[TGT(k)]==CANC -> r=LNOT; goto abandon }
#define MAYCALL lease[k] && tok[k]==me && st[TGT(k)]!=CANC
#define MAYNOT !(lease[k] && tok[k]==me)
#else
#ifdef MUT_NOSENDBY
#define MAYCALL true
#define MAYNOT false
#else
#define MAYCALL lease[k] && tok[k]==me                          /* send-by not passed */
#define MAYNOT !(lease[k] && tok[k]==me)
#endif
#endif
#if XT==0
  :: atomic { MAYCALL -> CALL(k); goto outc }
#else
#ifdef EARLYOFF
  :: atomic { MAYCALL -> own=0; goto call }                     /* offset committed as soon as the row exists */
#else
  :: atomic { MAYCALL -> goto call }
#endif
#endif
  :: atomic { MAYNOT -> r=LNOT; goto abandon }
  :: atomic { tb>0 && MAYCALL -> tb--; r=LTHR; goto abandon }   /* the provider has refused another call for everybody: none */
#endif
  :: CRASH
  :: REBAL; goto claimed
  fi;
abandon:                                                        /* NOT_SENT, by its token and CLAIMED */
  if
  :: atomic { true ->
#ifdef MUT_ABTOKEN
       if :: led[k]==CLAIMED -> led[k]=r; CLOSE(k)
#else
#ifdef MUT_ABSTATE
       if :: tok[k]==me && !TOOK(k) && (led[k]==CLAIMED || led[k]==LUNK || led[k]==LRETRY) -> led[k]=r; CLOSE(k)
#else
#ifdef MUT_ABTOOK
       if :: tok[k]==me && led[k]==CLAIMED -> led[k]=r; CLOSE(k)
#else
       if :: tok[k]==me && led[k]==CLAIMED && !TOOK(k) -> led[k]=r; CLOSE(k)
          :: tok[k]==me && led[k]==CLAIMED && TOOK(k) -> led[k]=LUNK; amb[TGT(k)]=1; lease[k]=0; chg[TGT(k)]=1
#endif
#endif
#endif
          :: else fi;
       r=0;
       if :: led[k]==NONE || led[k]==LRETRY -> goto claim       /* no row yet: the message is not done */
          :: else -> goto fin fi }
  :: CRASH
  fi;
#if XT!=0 || defined(AW)
call:
  if
  :: atomic { true -> CALL(k); goto outc }
  :: CRASH
  :: REBAL; goto call
  fi;
#endif
outc:
  if
#ifdef FO                                                       /* the answer says that it is about us: another provider, same claim */
#if XT==0
#define ANOTHER CALL(k); goto outc
#else
#define ANOTHER r=0; goto call
#endif
#ifdef MUT_FOSENDBY
  :: atomic { r==LTHR -> SECOND ANOTHER }
#else
  :: atomic { r==LTHR && MAYCALL -> SECOND ANOTHER }
#endif
#ifdef MUT_FOTIMEOUT
  :: atomic { r==LUNK && MAYCALL -> ANOTHER }
#endif
#endif
#ifdef AW
  :: atomic { true -> if :: r==LSUCC -> rs[k]=rs[k]|1 :: r==LFAIL -> rs[k]=rs[k]|2 :: else -> rs[k]=rs[k]|8 fi; goto fin }
#else
  :: atomic { true ->
       if
#ifdef MUT_SUCTOKEN
       :: r==LSUCC && tok[k]==me -> led[k]=LSUCC; CLOSE(k); sx[TGT(k)]=1
       :: r==LSUCC && tok[k]!=me -> kn[TGT(k)]=1
#else
#ifdef MUT_SUCGUARD
       :: r==LSUCC && tok[k]==me && led[k]==CLAIMED -> led[k]=LSUCC; CLOSE(k); sx[TGT(k)]=1
       :: r==LSUCC && !(tok[k]==me && led[k]==CLAIMED) -> kn[TGT(k)]=1
#else
       :: r==LSUCC -> led[k]=LSUCC; CLOSE(k); sx[TGT(k)]=1              /* success always wins */
#endif
#endif
       :: r==LFAIL ->
            if
            :: tok[k]==me && (led[k]==CLAIMED||led[k]==LUNK||led[k]==LRETRY) ->
#ifndef MUT_TAKEFAIL
                 if :: TOOK(k) -> led[k]=LUNK; amb[TGT(k)]=1; lease[k]=0; chg[TGT(k)]=1   /* a refusal of call 2 says nothing of call 1 */
                    :: else -> led[k]=LFAIL; CLOSE(k) fi
#else
                 led[k]=LFAIL; CLOSE(k)
#endif
            :: else
            fi
       :: r==LTHR ->                                                     /* throttled, or refused for everybody */
            if :: tok[k]==me && led[k]==CLAIMED ->
                 if :: TOOK(k) -> led[k]=LUNK; amb[TGT(k)]=1; lease[k]=0; chg[TGT(k)]=1
                    :: else -> led[k]=LTHR; CLOSE(k) fi
               :: else fi
       :: r==LUNK ->                                                     /* no answer will come: UNKNOWN at once */
            if :: tok[k]==me && led[k]==CLAIMED ->
                  lease[k]=0; chg[TGT(k)]=1; if :: POL==RETRYKEY && !TOOK(k) && !cw[TGT(k)] -> led[k]=LRETRY :: else -> led[k]=LUNK fi
               :: else fi
       fi; goto fin }
#endif
  :: CRASH
  :: REBAL; goto outc
  fi;
fin:                                                               /* publish the hint, commit the offset */
  if
  :: atomic { true -> if :: tok[k]==me && led[k]!=CLAIMED -> tok[k]=0 :: else fi;   /* tokens are fresh per claim */
       hold[k]--; RESET; goto idle }
  :: CRASH
  fi
}

#define DRESET DONE ack=0; zomb=0; k=0; t=0; if :: _pid==2 -> dz=0 :: else fi
#define DTAKE(i) atomic { st[i]==READY && WORKING && lock[i]==0 && !quiet && !dl[i] && (_pid==2 || dz) -> BEGIN lock[i]=me; t=i; k=KEY(i); \
     if :: _pid==2 -> dz=1 :: else fi; goto pub }
active [2] proctype Dispatcher() {
  byte t=0, k=0; bit ack=0, zomb=0; byte me = _pid+1;
idle: end: do
  :: DTAKE(0)
#if NT>1
  :: DTAKE(1)
#endif
  od;
pub:
  if
  :: atomic { true -> PUBLISHED(k) if :: q[k]<QM -> q[k]++ :: else fi; ack=1; goto com }
  :: atomic { FAULT(XU); PUBLISHED(k) if :: q[k]<QM -> q[k]++ :: else fi; goto com }       /* in the topic, ack lost */
  :: atomic { FAULT(XU); goto com }                                           /* not in the topic */
  :: atomic { DDIES; if :: !zomb -> lock[t]=0 :: else fi; DRESET; goto idle }         /* crash */
  :: atomic { XZ && bud>0 && !zomb -> bud--; lock[t]=0; zomb=1; goto pub }      /* PG ended the session; we publish on */
  fi;
com:
  if
  :: atomic { true ->
       if :: !zomb -> lock[t]=0; if :: ack -> st[t]=REQ :: else fi
          :: else fi; DRESET; goto idle }
  :: atomic { DDIES; if :: !zomb -> lock[t]=0 :: else fi; DRESET; goto idle }
  :: atomic { XZ && bud>0 && !zomb -> bud--; lock[t]=0; zomb=1; goto com }
  fi
}

inline next(t) {                  /* attempt spent, continue with the route */
  if :: cw[t] -> st[t]=cw[t]; cw[t]=0
     :: !cw[t] && at[t]+1<NA -> at[t]=at[t]+1; df[t]=0; since[t]=0; if :: st[t]!=PAUSED -> st[t]=READY :: else fi
     :: else -> st[t]=EXH fi }
/* PAUSED(rounds) is a function of the ledger: every (MR+1)-th row of the attempt that counts.  So a resume begins anew */
#ifdef MUT_COUNTTHR
#define COUNTS(x) ((x)==LNOT || (x)==LTHR)
#else
#define COUNTS(x) ((x)==LNOT)
#endif
#if defined(US) && !defined(NOTE)
#ifdef MUT_OURCOUNT               /* by the effective state: what a later report takes back was counted already */
#define SPENDS(i) COUNTS(EFF(i))
#else
#define SPENDS(i) (COUNTS(led[i]) || (rep[i]&OURS))   /* an accepted message that came to nothing because of us counts, whatever else is said of it */
#endif
#else
#define SPENDS(i) COUNTS(led[i])
#endif
#define COUNT1(i) + SPENDS(i)
#define COUNTED(t) (0 ALLG(COUNT1,(t)*KK+at[t]*NG))
#ifdef MUT_NOTANEW
#define ROUNDSUP(t) (SPENDS(KEY(t)) && COUNTED(t)>=MR+1)
#else
#define ROUNDSUP(t) (SPENDS(KEY(t)) && COUNTED(t)%(MR+1)==0)
#endif
#if defined(US) && !defined(NOTE)
#define COUNTED1(t) (L(t)==LNOT || (rep[KEY(t)]&OURS))
#else
#define COUNTED1(t) (L(t)==LNOT)
#endif
#ifdef MUT_OURWISH                /* a put-back by report does not look at the wish */
#define WISHES(t) (cw[t] && L(t)!=LSUCC)
#else
#define WISHES(t) cw[t]
#endif
inline putback(t) {               /* key closed without a call that counts: same attempt, next round */
  if :: WISHES(t) -> st[t]=cw[t]; cw[t]=0
     :: else ->
        if :: COUNTED1(t) -> since[t]=since[t]+1 :: else fi;
#ifdef MUT_NOGEN
        if :: st[t]!=PAUSED -> st[t]=READY :: else fi
#else
#ifdef MUT_OURSAME                /* the same key again */
        if :: L(t)!=LNOT && L(t)!=LTHR -> if :: st[t]!=PAUSED -> st[t]=READY :: else fi :: else
#endif
        if :: ROUNDSUP(t) -> assert(since[t]>MR); st[t]=PAUSED     /* I11; PAUSED(rounds) */
           :: !ROUNDSUP(t) && df[t]<NG-1 -> df[t]=df[t]+1; if :: st[t]!=PAUSED -> st[t]=READY :: else fi
           :: else -> st[t]=PAUSED fi                              /* no key is left: 32,767 rounds of one attempt */
#ifdef MUT_OURSAME
        fi
#endif
#endif
  fi }
#ifdef MUT_REQONLY
#define OPEN(t) (st[t]==REQ)
#define SUCFROM(t) (st[t]==REQ)
#else
#define OPEN(t) (st[t]==READY||st[t]==REQ||st[t]==PAUSED)
#ifdef MUT_UNKFINAL
#define SUCFROM(t) (st[t]!=SUCC && st[t]!=UNK)
#else
#ifdef MUT_WOFFFINAL
#define SUCFROM(t) (st[t]!=SUCC && st[t]!=WOFF)
#else
#define SUCFROM(t) (st[t]!=SUCC)
#endif
#endif
#endif
#ifdef MUT_UNKFINAL
#define REOPEN(t) false
#else
#ifdef UC
#define UNKCONT(t) || E(t)==LCONT
#else
#define UNKCONT(t)
#endif
#define REOPEN(t) (st[t]==UNK && (E(t)==LFAIL||NOTSENT(t) UNKCONT(t)))
#endif
#ifdef MUT_NOREVSUCC
#define LATEOK(t) true
#else
#ifdef ATONCE
#define LATEOK(t) (E(t)!=CLAIMED)
#else
#define LATEOK(t) (L(t)!=CLAIMED && L(t)!=LRETRY)
#endif
#endif
#ifdef MUT_CONTFIRST
#define CONTACT(t) (st[t]!=PAUSED)
#else
#define CONTACT(t) (st[t]!=PAUSED || cw[t])
#endif
/* would a look change the target?  A pure function of target and ledger */
#if RPB>0 && !defined(MUT_SUCFINAL)
#define LEAVES(t) (st[t]==SUCC && !SX(t))   /* a report took the acceptance back */
#else
#define LEAVES(t) false
#endif
#define RULE1(t) (SX(t) && SUCFROM(t) && LATEOK(t))
#define CANSETTLE(t) (RULE1(t) || LEAVES(t) || (!SX(t) && ((OPEN(t) && (E(t)==LFAIL || E(t)==LUNK || L(t)==LEXP || \
    (E(t)==LCONT && CONTACT(t)) || (NOTSENT(t) && (st[t]!=PAUSED || cw[t] || (df[t]<NG-1 && !ROUNDSUP(t)))))) || REOPEN(t))))

/* A report may take the acceptance back: so the wish stays, and an end that was reached becomes one.  Without reports it is dead */
#if RPB>0
#ifdef MUT_ENDGONE
#define SUCCEED(t) st[t]=SUCC
#else
#ifdef MUT_WISHGONE
#define WISHGONE(t) cw[t]=0
#else
#define WISHGONE(t) skip
#endif
#ifdef MUT_CANCGONE               /* revoked by a cancel is taken for revoked by a late success */
#define ENDED(t) (st[t]==EXPD || st[t]==EXH || st[t]==WOFF)
#else
#define ENDED(t) (st[t]==CANC || st[t]==EXPD || st[t]==EXH || st[t]==WOFF)
#endif
#define SUCCEED(t) if :: ENDED(t) -> cw[t]=st[t] :: else -> WISHGONE(t) fi; st[t]=SUCC
#endif
#else
#define SUCCEED(t) st[t]=SUCC; cw[t]=0
#endif
inline apply(t, a) {              /* target' = f(target, ledger rows as read) */
  if
  :: a==LSUCC ->                  /* rule 1: first INSERT REVOKED for the current key ... ON CONFLICT DO NOTHING RETURNING */
#ifdef MUT_NOREVSUCC
     SUCCEED(t)
#else
     if :: L(t)==NONE -> L(t)=LREV; SUCCEED(t)
#ifdef MUT_RETSETTLE
        :: else -> SUCCEED(t)
#else
        :: L(t)!=NONE && LATEOK(t) -> SUCCEED(t)
        :: else                   /* a claim came between: wait for its outcome */
#endif
     fi
#endif
  :: a==LFAIL -> if :: st[t]==UNK -> st[t]=REQ :: else fi; next(t)
  :: a==LNOT || a==LTHR -> if :: st[t]==UNK -> st[t]=REQ :: else fi; putback(t)
  :: a==LEXP  -> if :: cw[t] -> st[t]=cw[t]; cw[t]=0 :: else -> st[t]=EXPD fi
#ifdef MUT_CONTNEXT
  :: a==LCONT -> next(t)
#else
#ifdef MUT_CONTFIRST
  :: a==LCONT -> st[t]=PAUSED
#else
  :: a==LCONT -> if :: cw[t] -> st[t]=cw[t]; cw[t]=0 :: else -> st[t]=PAUSED fi
#endif
#endif
#if RPB>0
#ifdef MUT_REVLATE
  :: a==LREV  -> st[t]=READY
#else
  :: a==LREV  -> if :: cw[t] -> st[t]=cw[t]; cw[t]=0             /* revoked by a late success that was taken back: never called */
                    :: !cw[t] && df[t]<NG-1 -> df[t]=df[t]+1; st[t]=READY
                    :: else -> st[t]=PAUSED fi                    /* no key is left */
#endif
  :: a==LUNK && cw[t]==WOFF -> st[t]=WOFF; cw[t]=0
  :: a==LUNK && cw[t]!=WOFF -> if :: POL==RESEND && !cw[t] && at[t]+1<NA -> next(t) :: else -> st[t]=UNK fi
  :: a==NONE || a==CLAIMED -> assert(false)                       /* SUCCEEDED needs a closed key */
#else
  :: a==LUNK  -> if :: POL==RESEND && !cw[t] && at[t]+1<NA -> next(t) :: else -> st[t]=UNK fi
#endif
  fi HOLDRP(t) }
#ifdef AW
#define AWN(t,n) (st[t]==REQ && at[t]==n)
#define RS(t,n) rs[t*KK+n*NG]
#define LL(t,n) led[t*KK+n*NG]
inline settleaw(t,n) {            /* as written: payload; guard = old state REQUESTED and the attempt number; writes the attempt row */
  if
  :: RS(t,n)&1 -> RS(t,n)=RS(t,n)-1; LL(t,n)=LSUCC; sx[t]=1; if :: AWN(t,n) -> st[t]=SUCC :: else fi
  :: RS(t,n)&2 -> RS(t,n)=RS(t,n)-2; LL(t,n)=LFAIL; if :: AWN(t,n) -> next(t) :: else fi
  :: RS(t,n)&4 -> RS(t,n)=RS(t,n)-4; LL(t,n)=LNOT;  if :: AWN(t,n) -> st[t]=READY :: else fi
  :: RS(t,n)&8 -> RS(t,n)=RS(t,n)-8;
       if :: LL(t,n)==CLAIMED -> LL(t,n)=LUNK :: else fi;
       if :: AWN(t,n) -> if :: POL==RESEND -> next(t) :: else -> st[t]=UNK fi :: else fi
  fi }
#endif

/* Settlement looks when a ledger row changed since its last look (the sweep); no event is needed, so every event may be lost.
 * Two steps: lock the target and read the ledger; then insert and update.  Delivery writes in between.
 * I5: a look without a change would change nothing: so looks at any other time (hints, overlap, start) are covered */
#ifdef MUT_READFIRST
#define RLOCK(x) skip
#define ALOCK(x) lock[x]==0
#define AUNLOCK(x) skip
#else
#define RLOCK(x) lock[x]=me
#define ALOCK(x) true
#define AUNLOCK(x) lock[x]=0
#endif
#define SETTLE(x) \
  :: atomic { lock[x]==0 && chg[x] && !CANSETTLE(x) -> chg[x]=0 } \
  :: atomic { WORKING && lock[x]==0 && SEEN(x) && CANSETTLE(x) -> BEGIN chg[x]=0; RLOCK(x); if :: SX(x) -> a=LSUCC :: else -> a=E(x) fi; t=x; goto upd } \
  PLAIN(x) \
  MONITOR(x)
/* What was accepted and waits for nothing else is settled in one statement (Target.SucceedsPlainly): it reads the ledger
 * without a lock, then waits for the target and looks at its columns again, but not at the ledger. */
#ifdef AW
#define PLAIN(x)
#elif RPB>0                       /* no other look follows: so the statement looks at the reports too, and what it did not change is looked at.
                                   * A key about which nothing but DELIVERED is said is as accepted as one without a report */
#ifdef MUT_PLAINREP
#define NOUNDEL(k) true
#elif defined(MUT_PLAINOURS)
#define NOUNDEL(k) (rep[k]&UNDEL)==0
#elif defined(MUT_PLAINDELIV)
#define NOUNDEL(k) (rep[k]==0 || (rep[k]&DELIV))
#else
#define NOUNDEL(k) (rep[k]&(UNDEL|OURS|CONT))==0
#endif
#define PLAIN(x) :: atomic { WORKING && SEEN(x) && st[x]==REQ && !cw[x] && L(x)==LSUCC && NOUNDEL(KEY(x)) -> BEGIN chg[x]=0; SAWDELIV(x) k=at[x]*NG+df[x]; t=x; goto plain }
#define LOOKON(x) -> chg[x]=1
#define KILLEDLOOK(x) chg[x]=1;
#else
#define LOOKON(x)
#define KILLEDLOOK(x)
#define PLAIN(x) :: atomic { WORKING && SEEN(x) && st[x]==REQ && !cw[x] && L(x)==LSUCC -> BEGIN k=at[x]*NG+df[x]; t=x; goto plain }
#endif
#ifdef LOOKANY                    /* looks at any time (the monitor says that these add nothing) */
#define SEEN(x) true
#define NOMON 1
#else
#define SEEN(x) chg[x]
#endif
#ifdef NOMON                      /* for mutants: shows what becomes of it */
#define MONITOR(x)
#else
#define MONITOR(x) :: atomic { lock[x]==0 && !chg[x] && CANSETTLE(x) -> assert(false) }
#endif
active [NSET] proctype Settlement() {
  byte t=0, a=0, k=0; byte me = _pid+1;
look: end: do
#ifdef AW
  :: atomic { lock[0]==0 && rs[0]!=0 -> settleaw(0,0) }
  :: atomic { lock[0]==0 && rs[NG]!=0 -> settleaw(0,1) }
#else
  SETTLE(0)
#if NT>1
  SETTLE(1)
#endif
#endif
  od;
#ifndef AW
upd:
  if
  :: atomic { ALOCK(t) -> apply(t, a); DONE AUNLOCK(t); t=0; a=0; goto look }
  :: atomic { KILLED -> DONE AUNLOCK(t); chg[t]=1; t=0; a=0; goto look }
  fi;
plain:
  if
#ifdef MUT_PLAINBLIND
  :: atomic { lock[t]==0 -> DONE st[t]=SUCC; t=0; k=0; goto look }
#else
  :: atomic { lock[t]==0 -> DONE if :: st[t]==REQ && !cw[t] && at[t]*NG+df[t]==k -> st[t]=SUCC :: else LOOKON(t) fi; t=0; k=0; goto look }
#endif
  :: atomic { KILLED -> DONE KILLEDLOOK(t) t=0; k=0; goto look }
  fi
#endif
}

/* ---- sweeper (leases), lease clock, per ledger row ---- */
#define STALLOK XS && bud>0
#define EXPIRE(i) :: atomic { led[i]==CLAIMED && lease[i] && tok[i]==DEAD -> lease[i]=0 } \
                  :: atomic { led[i]==CLAIMED && lease[i] && tok[i]!=DEAD && STALLOK -> bud--; amb[TGT(i)]=1; lease[i]=0 }
#ifdef AW
#define SWEEP(i)  :: atomic { led[i]==CLAIMED && !lease[i] -> led[i]=LUNK; rs[i]=rs[i]|8 }
#else
#define SWEEP(i)  :: atomic { led[i]==CLAIMED && !lease[i] -> chg[TGT(i)]=1; \
       if :: POL==RETRYKEY && !TOOK(i) && !cw[TGT(i)] -> led[i]=LRETRY :: else -> led[i]=LUNK fi }
#endif
active proctype Sweeper() { byte i=0;
end: do
  :: atomic { false -> skip }
  ROWS
  od }

/* ---- R6, one transaction: lock, INSERT REVOKED RETURNING, else keep the wish and let settle look at once ---- */
#ifdef MUT_NOLOOK
#define LOOKNOW(t) skip
#else
#define LOOKNOW(t) chg[t]=1
#endif
#ifdef MUT_RETCANCEL
#define NOTREV(t,w) st[t]=w
#else
#define NOTREV(t,w) cw[t]=w; LOOKNOW(t)
#endif
#define REVOKE(t,w) if :: L(t)==NONE -> L(t)=LREV; st[t]=w \
     :: L(t)==LRETRY -> L(t)=LUNK; cw[t]=w; chg[t]=1 \
     :: else -> NOTREV(t,w) fi

/* ---- reaper: REQUESTED and the current key not taken; and the dispatcher's Expire / Exhaust ---- */
#define REAP(t) :: atomic { lock[t]==0 && st[t]==REQ && (L(t)==NONE||L(t)==LRETRY) && (q[KEY(t)]==0 && hold[KEY(t)]==0 || EARLY) -> \
     if :: q[KEY(t)]==0 && hold[KEY(t)]==0 :: else -> bud-- fi; st[t]=READY }
#define EARLY (XE && bud>0)
#ifdef MUT_BLINDEXP
#define ENDBY(t) :: atomic { lock[t]==0 && st[t]==READY && dl[t] && !cw[t] -> st[t]=dl[t] }
#else
#define ENDBY(t) :: atomic { lock[t]==0 && st[t]==READY && dl[t] && !cw[t] -> WISHED(t) REVOKE(t,dl[t]) }
#endif
active proctype Reaper() {
end: do
  :: atomic { false -> skip }
#ifndef MUT_NOREAPER
  REAP(0)
#if NT>1
  REAP(1)
#endif
#endif
#if EB>0
  ENDBY(0)
#if NT>1
  ENDBY(1)
#endif
#endif
  od }

/* ---- operator ---- */
/* an operator passes over a closed key: it counts as a put-back, and where it pauses, the count begins anew */
#define PASSED(t) if :: COUNTED1(t) -> if :: COUNTED(t)%(MR+1)==0 -> since[t]=0 :: else -> since[t]=since[t]+1 fi :: else fi
#if defined(AW) || defined(MUT_BLINDCANCEL)
#define CANCEL(t) :: atomic { opb>0 && lock[t]==0 && (st[t]==READY||st[t]==REQ||st[t]==PAUSED) -> opb--; st[t]=CANC }
#ifdef SAMEN
#define UNCANCEL(t) :: atomic { opb>0 && st[t]==CANC -> opb--; st[t]=READY }
#else
#define UNCANCEL(t) :: atomic { opb>0 && st[t]==CANC && at[t]+1<NA -> opb--; at[t]=at[t]+1; df[t]=0; st[t]=READY }
#endif
#else
#define CANCEL(t) :: atomic { opb>0 && lock[t]==0 && (st[t]==READY||st[t]==REQ||st[t]==PAUSED) && !cw[t] -> opb--; WISHED(t) REVOKE(t,CANC) }
#define UNCANCEL(t) :: atomic { opb>0 && st[t]==CANC && lock[t]==0 -> opb--; UNWISHED(t) AGAIN(t) \
     if :: (L(t)==LREV || NOTSENT(t) || L(t)==LEXP) && df[t]<NG-1 -> st[t]=READY; PASSED(t); df[t]=df[t]+1 \
        :: E(t)==LFAIL && at[t]+1<NA -> st[t]=READY; at[t]=at[t]+1; df[t]=0; since[t]=0 \
        :: E(t)==LCONT -> UNCCONT(t) :: else fi }
#endif
#ifdef MUT_UNCCONT
#define UNCCONT(t) st[t]=READY; at[t]=at[t]+1; df[t]=0; since[t]=0
#else
#define UNCCONT(t) st[t]=PAUSED
#endif
#define FORCE(t) :: atomic { opb>0 && st[t]==UNK && lock[t]==0 && E(t)==LUNK && !SX(t) && at[t]+1<NA -> opb--; UNWISHED(t) AGAIN(t) forced[t]=1; at[t]=at[t]+1; df[t]=0; since[t]=0; cw[t]=0; st[t]=READY }
#ifdef VERDICT                    /* "was not delivered", by a person who is right, or wrong */
#define WASNOT(t) :: atomic { opb>0 && st[t]==UNK && lock[t]==0 && L(t)==LUNK -> opb--; L(t)=LFAIL; CLOSE(KEY(t)); \
     if :: acc[t*NA+at[t]]>0 -> forced[t]=1 :: else -> if :: calls[t*NA+at[t]]==0 -> calls[t*NA+at[t]]=1 :: else fi fi }
#else
#define WASNOT(t)
#endif
#define WRITEOFF(t) :: atomic { opb>0 && st[t]==UNK && lock[t]==0 -> opb--; WISHED(t) cw[t]=0; st[t]=WOFF }
#define PAUSE(t) :: atomic { opb>0 && lock[t]==0 && (st[t]==READY||st[t]==REQ) -> opb--; st[t]=PAUSED }
#ifdef MUT_RESUMECLOSED
#define RESUME(t) :: atomic { opb>0 && lock[t]==0 && st[t]==PAUSED -> opb--; st[t]=READY }
#else                             /* a closed key is never published again: NOT_SENT takes the next round, content needs a correction */
#if RPB>0
#define NOKEY(t) ((NOTSENT(t) || L(t)==LREV) && df[t]==NG-1)
#else
#define NOKEY(t) (NOTSENT(t) && df[t]==NG-1)
#endif
#ifdef MUT_OURRESUME              /* a resume looks at the ledger row, not at its effective state */
#define CLOSEDKEY(t) (L(t)==LNOT || L(t)==LTHR)
#else
#define CLOSEDKEY(t) NOTSENT(t)
#endif
#define RESUME(t) :: atomic { opb>0 && lock[t]==0 && st[t]==PAUSED && E(t)!=LCONT && !NOKEY(t) -> opb--; AGAIN(t) st[t]=READY; \
     if :: CLOSEDKEY(t) && !cw[t] -> PASSED(t); df[t]=df[t]+1 :: else fi }
#endif
/* a correction: revoke the current key and take the next round, or be refused; FAILED(content) is closed already */
#ifdef MUT_CORRNOREV
#define CORROK(t) (L(t)==NONE || E(t)==LCONT)
#define CORRREV(t) skip
#else
#ifdef MUT_RETCORR
#define CORROK(t) true
#else
#define CORROK(t) (L(t)==NONE || E(t)==LCONT)
#endif
#define CORRREV(t) if :: L(t)==NONE -> L(t)=LREV :: else fi
#endif
#if RB>0 && CB>0                  /* a person lets it continue, after what was lost was repeated */
#define AGAIN(t) if :: old[t] -> old[t]=0; con[t]=0 :: else fi; LETGO(t)
#elif RB>0
#define AGAIN(t) LETGO(t)
#else
#define AGAIN(t)
#endif
#define CORRECT(t) :: atomic { cb>0 && lock[t]==0 && (st[t]==READY||st[t]==REQ||st[t]==PAUSED) && !cw[t] && df[t]<NG-1 && CORROK(t) -> cb--; \
     CORRREV(t); AGAIN(t) df[t]=df[t]+1; cmin[t]=KEY(t); con[t]=0; if :: st[t]!=PAUSED -> st[t]=READY :: else fi }
active proctype Operator() {
end: do
  :: atomic { false -> skip }
#if OB>0
  CANCEL(0)
  UNCANCEL(0)
#ifndef AW
  FORCE(0)
  WASNOT(0)
  WRITEOFF(0)
  PAUSE(0)
  RESUME(0)
#endif
#if NT>1
  CANCEL(1)
  UNCANCEL(1)
  FORCE(1)
  WASNOT(1)
  WRITEOFF(1)
  PAUSE(1)
  RESUME(1)
#endif
#endif
#if CB>0
  CORRECT(0)
#if NT>1
  CORRECT(1)
#endif
#endif
  od }

/* ---- R11: what the vendor says of a message afterwards, at any time, in any order, or never; a repeated report is the same one.
 * DELIVERED may be said of a message that is undelivered in the end; UNDELIVERED is certain.  What says less is not stored here */
#if RPB>0
#ifdef MUT_REPLOOK
#define LOOKREP(i) skip
#else
#define LOOKREP(i) chg[TGT(i)]=1
#endif
#ifdef MUT_REPTGT                 /* about whatever the target is at */
#define ABOUT(i) KEY(TGT(i))
#define NEWREP(i,x) true
#else
#define ABOUT(i) (i)
#define NEWREP(i,x) !(rep[i]&(x))
#endif
#ifdef NOTE
#define TAKEBACK(i) skip
#else                             /* acc: messages that were accepted and of which the vendor has not said that they were not delivered */
#define TAKEBACK(i) if :: vend[i]&VGONE -> skip :: else -> acc[TGT(i)*NA+ATT(i)]-- fi; vend[i]=vend[i]|VUND
#endif
#ifdef US
#ifdef NOTE
#define TAKEBACKOURS(i) skip
#else
#define TAKEBACKFOR(i,x) if :: vend[i]&VGONE -> skip :: else -> acc[TGT(i)*NA+ATT(i)]-- fi; vend[i]=vend[i]|(x)
#define TAKEBACKOURS(i) TAKEBACKFOR(i,VOUR)
#ifdef UC                         /* con: said of the current key, and nothing else that lets the target continue */
#define CONTSAID(i) :: atomic { rpb>0 && WORKING && (vend[i]&VACC) && NEWREP(i,CONT) -> rpb--; TAKEBACKFOR(i,VCON); \
    if :: i==KEY(TGT(i)) && !(rep[i]&(UNDEL|OURS)) -> con[TGT(i)]=1 :: else fi; rep[i]=rep[i]|CONT; LOOKREP(i) }
#endif
#endif
#ifndef CONTSAID
#define CONTSAID(i)
#endif
#define FOROURS(i) CONTSAID(i) :: atomic { rpb>0 && WORKING && (vend[i]&VACC) && NEWREP(i,OURS) -> rpb--; TAKEBACKOURS(i); rep[ABOUT(i)]=rep[ABOUT(i)]|OURS; LOOKREP(i) }
#else
#define FOROURS(i)
#endif
#ifdef MUT_REPFAIL
#define UNDELIVERED(i) TAKEBACK(i); if :: led[i]==CLAIMED || led[i]==LUNK || led[i]==LSUCC -> led[i]=LFAIL; sx[TGT(i)]=0 :: else fi
#else
#define UNDELIVERED(i) TAKEBACK(i); rep[ABOUT(i)]=rep[ABOUT(i)]|UNDEL
#endif
#ifdef MUT_SOFTREP                /* "not yet" is taken for "never" */
#define SOFT(i) :: atomic { rpb>0 && (vend[i]&VACC) && NEWREP(i,UNDEL) -> rpb--; rep[i]=rep[i]|UNDEL; LOOKREP(i) }
#else
#define SOFT(i)
#endif
#define REPORT(i) :: atomic { rpb>0 && WORKING && (vend[i]&VACC) && NEWREP(i,DELIV) -> rpb--; rep[ABOUT(i)]=rep[ABOUT(i)]|DELIV; LOOKREP(i) } \
  :: atomic { rpb>0 && WORKING && (vend[i]&VACC) && NEWREP(i,UNDEL) -> rpb--; UNDELIVERED(i); LOOKREP(i) } \
  FOROURS(i) SOFT(i)
active proctype Feedback() {
end: do
  ALLROWS(REPORT)
  od }
#endif

/* ---- R12: the vendor is asked about an UNKNOWN key once its caller can call no more and the vendor's list has settled.
 * Two steps: ask, then store; the late outcome is written in between.  Found undelivered is a report (above) */
#if IB>0
#ifdef MUT_INQEARLY               /* the list does not show yet what was accepted */
#define NOTFOUND(i) !(vend[i]&VREF)
#else
#define NOTFOUND(i) vend[i]==0
#endif
#if defined(COMPLETE) || defined(MUT_INQLIST)
#ifdef MUT_INQLIST                /* a list that need not be complete */
#define NOTLISTED(i) :: ib>0 && led[i]==LUNK && WORKING -> ib--; BEGIN k=i; a=NONE; goto answer
#else
#define NOTLISTED(i) :: ib>0 && led[i]==LUNK && WORKING && NOTFOUND(i) && i==KEY(TGT(i)) -> ib--; BEGIN k=i; a=NONE; goto answer
#endif
#else
#define NOTLISTED(i)
#endif
#define ASK(i) \
  :: atomic { ib>0 && led[i]==LUNK && WORKING && (vend[i]&VACC) -> ib--; BEGIN k=i; a=LSUCC; goto answer } \
  :: atomic { ib>0 && led[i]==LUNK && WORKING && (vend[i]&VREF) -> ib--; BEGIN k=i; a=LFAIL; goto answer } \
  NOTLISTED(i)
#ifdef MUT_INQGUARD
#define MAYFAIL true
#define OVERWRITES if :: led[k]==LSUCC -> sx[TGT(k)]=0; kn[TGT(k)]=1 :: else fi;
#else
#define MAYFAIL led[k]==LUNK
#define OVERWRITES
#endif
/* not found: acted on for the current key alone, as any other changes nothing, and may be one that was never called.  With XT=1 the
 * caller may have stalled between its check and its call for ever, so this is as weak as "send anyway";
 * with XT=0 it is sure, and counts as the attempt's call */
#ifdef US
#define SURELYNOT(k) VENDOR(k,VREF)
#else
#define SURELYNOT(k)
#endif
#if XT==0
#define ABSENT if :: calls[TGT(k)*NA+ATT(k)]<MAYCALLS(k) -> calls[TGT(k)*NA+ATT(k)]=MAYCALLS(k) :: else fi; SURELYNOT(k)
#else
#define ABSENT forced[TGT(k)]=1
#endif
active proctype Inquirer() {
  byte k=0, a=0;
idle: end: do
  ALLROWS(ASK)
  od;
answer:
  if
  :: atomic { a==LSUCC -> DONE led[k]=LSUCC; CLOSE(k); sx[TGT(k)]=1; k=0; a=0; goto idle }
  :: atomic { a!=LSUCC -> DONE if :: MAYFAIL -> OVERWRITES led[k]=LFAIL; CLOSE(k); if :: a==NONE -> ABSENT :: else fi :: else fi; k=0; a=0; goto idle }
  :: atomic { KILLED -> DONE k=0; a=0; goto idle }
  fi }
#endif

#ifdef NOKN                       /* aw_resend_*: look past the hidden success for what it leads to */
#define KNOWN(t) true
#else
#define KNOWN(t) ((!KN(t) || st[t]==SUCC) && (WEAK(t) || (st[t]!=CANC && st[t]!=EXH && st[t]!=EXPD) || acc[t*NA]+acc[t*NA+1]==0))
#endif
#ifdef US
#define SPENT(t) (CUST(t,0) && CUST(t,1))
#else
#define SPENT(t) (calls[t*NA]==1 && calls[t*NA+1]==1)
#endif
#define TERM(t) \
   assert(st[t]==SUCC||st[t]==EXH||st[t]==UNK||st[t]==PAUSED||st[t]==CANC||st[t]==EXPD||st[t]==WOFF);  /* I3 nothing stuck */ \
   assert(lock[t]==0); \
   assert(!cw[t] || st[t]==UNK || (RPB>0 && st[t]==SUCC));                              /* I3 no wish forgotten */ \
   assert(KNOWN(t));                                                                    /* I8 what is known is shown */ \
   assert(st[t]!=SUCC || acc[t*NA]+acc[t*NA+1]>0 || LOSTREP); \
   assert((st[t]!=UNK && st[t]!=WOFF) || amb[t]);                                       /* I9 no invented UNKNOWN */ \
   assert(WEAK(t) || acc[t*NA]+acc[t*NA+1]<=1);                                         /* never twice */ \
   assert(POL!=HOLD || forced[t] || dl[t] || st[t]!=EXH || SPENT(t))                    /* I6: put-backs spend no attempt */
#if defined(AW) || defined(MUT_BLINDCANCEL) || defined(MUT_BLINDEXP)
#define FN(t) skip
#else
/* I5: the final state is a function of the ledger rows and the set of reports alone (no dependence on the order of events) */
#define CLOSED(t) (L(t)==LREV||NOTSENT(t)||E(t)==LFAIL||E(t)==LCONT||L(t)==LEXP)
#ifdef UC                         /* an end that was reached stays */
#define CONTLATER(t) (E(t)==LCONT && (rep[KEY(t)]&UNDEL))
#else
#define CONTLATER(t) false
#endif
#ifdef US
#define OURSAID(t) (E(t)==LNOT || E(t)==LCONT)
#else
#define OURSAID(t) false
#endif
#define FN(t) assert((st[t]==SUCC) == (SX(t)==1)); \
  assert(SX(t) || st[t]==PAUSED || (st[t]==UNK && E(t)==LUNK) || (st[t]==WOFF && (E(t)==LUNK || E(t)==LFAIL || OURSAID(t))) || \
     (st[t]==EXH && (E(t)==LFAIL || CONTLATER(t) || (dl[t] && CLOSED(t)))) || \
     (st[t]==EXPD && dl[t] && CLOSED(t)) || (st[t]==CANC && CLOSED(t)))
#endif
#define BUSYROW(i) + q[i] + hold[i]
#define LROW(i) assert(led[i]!=CLAIMED);
/* when nothing is under way, nobody disturbs any more: what is still possible then must end well */
#define STILL ((0 ALLROWS(BUSYROW))==0 && lock[0]==0 && lock[NT-1]==0)
#if RB>0
#define STAYS !snap               /* no restore is about to come */
#else
#define STAYS true
#endif
/* witnesses: -DWIT=n must FAIL: this end can be reached, so the runs that pass are not empty */
#if WIT==1
#define WITNESS st[0]==SUCC && at[0]==0 && df[0]==1             /* with TB=1: throttled, sent in the next round */
#elif WIT==2
#define WITNESS st[0]==EXPD && L(0)==LEXP                       /* expired by Delivery */
#elif WIT==3
#define WITNESS st[0]==EXPD && L(0)==LFAIL                      /* a wish to expire, granted after a refusal */
#elif WIT==4
#define WITNESS st[0]==EXH && L(0)==LREV                        /* exhausted by a run's decision */
#elif WIT==5
#define WITNESS st[0]==PAUSED && L(0)==LNOT && df[0]==1         /* with MR=1: PAUSED(rounds) */
#elif WIT==6
#define WITNESS st[0]==SUCC && L(0)==LREV                       /* late success closed the newer key */
#elif WIT==7
#define WITNESS st[0]==SUCC && cmin[0]>0 && con[0]==0 && led[0]==LCONT  /* refused content, corrected, sent */
#elif WIT==8
#define WITNESS st[0]==CANC && L(0)==LFAIL                      /* a wish to cancel, granted after a refusal */
#elif WIT==9
#define WITNESS st[0]==WOFF && L(0)==LFAIL                      /* refused after it was written off */
#elif WIT==10
#define WITNESS st[0]==SUCC && led[0]==LNOT && led[1]==LNOT && df[0]==2   /* with MR=1: PAUSED(rounds), resumed, sent */
#elif WIT==11
#define WITNESS st[0]==SUCC && led[0]==LTHR && led[1]==LTHR && df[0]==2   /* with MR=1: more throttled rounds than count */
#elif WIT==12
#define WITNESS over && st[0]==UNK                              /* after a restore: called, and the answer lost with the database */
#elif WIT==13
#define WITNESS over && st[0]==SUCC && sst[0]==READY && at[0]==1  /* ... : refused, tried again and accepted, all of it lost and found in the log */
#elif WIT==14
#define WITNESS over && st[0]==PAUSED && rp[0]                  /* ... : held, as keys below have no result */
#elif WIT==15
#define WITNESS st[0]==SUCC && at[0]==1 && led[0]==LSUCC && led[NG]==LSUCC  /* undelivered; the next channel reached the customer */
#elif WIT==16
#define WITNESS st[0]==SUCC && led[0]==LUNK                     /* UNKNOWN ended by DELIVERED */
#elif WIT==17
#define WITNESS st[0]==SUCC && led[0]==LSUCC && amb[0]          /* with crashes alone: UNKNOWN ended by an inquiry */
#elif WIT==18
#define WITNESS st[0]==SUCC && led[NG]==LREV && led[NG+1]==LSUCC  /* a late success was taken back, the next round was sent */
#elif WIT==19
#define WITNESS st[0]==CANC && led[0]==LSUCC && at[0]==0        /* a wish to cancel, granted after the message was undelivered */
#elif WIT==20
#define WITNESS st[0]==SUCC && second && df[0]==0               /* the second provider accepted, in one claim */
#elif WIT==21
#define WITNESS st[0]==SUCC && rep[0]==(DELIV|UNDEL) && at[0]==1  /* a contradiction changes nothing */
#elif WIT==22
#define WITNESS st[0]==WOFF && rep[0]==(DELIV|UNDEL)            /* written off, delivered, undelivered */
#elif WIT==24
#define WITNESS st[0]==SUCC && at[0]==0 && df[0]==1 && led[0]==LSUCC && rep[0]==OURS  /* undelivered because of us, sent again on the same channel */
#elif WIT==25
#define WITNESS st[0]==PAUSED && at[0]==0 && df[0]==1 && rep[0]==OURS && rep[1]==OURS  /* with MR=1: PAUSED(rounds) */
#elif WIT==26
#define WITNESS st[0]==SUCC && at[0]==1 && rep[0]==(UNDEL|OURS)  /* the customer's class wins */
#elif WIT==27
#define WITNESS st[0]==CANC && led[0]==LSUCC && rep[0]==OURS    /* a wish to cancel, granted after that */
#elif WIT==28
#define WITNESS st[0]==SUCC && at[0]==0 && led[0]==LUNK && rep[0]==OURS && df[0]==1  /* UNKNOWN ended by it, sent again on the same channel */
#elif WIT==29
#define WITNESS st[0]==SUCC && at[0]==0 && df[0]==1 && led[0]==LSUCC && rep[0]==CONT  /* undelivered because of its content, corrected, sent */
#elif WIT==23
#define WITNESS over && st[0]==SUCC && at[0]==1 && sst[0]==SUCC && rep[0]==UNDEL  /* after a restore: the lost report came again */
#elif WIT==30
#define WITNESS st[0]==SUCC && plainly && rep[0]==DELIV         /* DELIVERED was known, and the statement for plain successes took it */
#endif
/* ---- R10: the database goes back to an earlier moment; the event log, the topics and what the gateways did do not.
 * Everything is stopped, the database is restored, the log is read whole, then everything continues. */
#if RB>0
bit over;                         /* a restore has happened */
#ifdef MUT_RNORESULT              /* a request without a result is left as it is */
#define SEENREQ(i) false
#else
#define SEENREQ(i) (req[i] || (st[TGT(i)]==REQ && i==KEY(TGT(i))))   /* or the database itself says that it was published */
#endif
#ifdef MUT_RWINDOW                /* the log is read from the moment on to which the database goes back, and not from before */
#define FORGET(i) req[i]=0
#else
#define FORGET(i) skip
#endif
#define ATELL(j) if :: req[j] && TELLS(led[j]) -> told[j]=1 :: true fi;
#define TELLS(x) ((x)==LSUCC || (x)==LFAIL || (x)==LNOT || (x)==LTHR || (x)==LCONT || (x)==LEXP || (x)==LUNK)
#if CB>0
#define SAVECM scm[i]=cmin[i];
#else
#define SAVECM
#endif
inline save() {                   /* a consistent state: between transactions */
  i=0; do :: i<NT*KK -> sled[i]=led[i]; SAVEREP FORGET(i); i++ :: else -> break od;
  i=0; do :: i<NT -> SAVECM sst[i]=st[i]; sat[i]=at[i]; sdf[i]=df[i]; scw[i]=cw[i]; scon[i]=con[i]; i++ :: else -> break od;
  i=0 }
#ifdef WIT
#define FORGETSST skip
#else
#define FORGETSST sst[i]=0
#endif
inline goback() {
  i=0; do :: i<NT*KK -> was[i]=led[i]; led[i]=sled[i]; had[i]=(sled[i]!=NONE); sled[i]=NONE; lease[i]=0; LOSEREP
             if :: led[i]==CLAIMED -> tok[i]=DEAD; amb[TGT(i)]=1 :: else -> tok[i]=0 fi;
             i++ :: else -> break od;
  i=0; do :: i<NT -> st[i]=sst[i]; at[i]=sat[i]; df[i]=sdf[i]; cw[i]=scw[i]; con[i]=scon[i]; LOSEWISH
             FORGETSST; sat[i]=0; sdf[i]=0; scw[i]=0; scon[i]=0;
             lock[i]=0; chg[i]=1; i++ :: else -> break od;
  i=0; over=1 }
#if CB>0                          /* what the restored database holds was not corrected since the key */
#define UNCORRECTED(i) (i)>=scm[TGT(i)]
#else
#define UNCORRECTED(i) true
#endif
/* a key that the log shows gets what its result says, else UNKNOWN; a result may be lost, as every event may */
inline checkkey() {
  if
  :: led[i]==NONE && told[i] -> led[i]=was[i]
  :: led[i]==NONE && !told[i] && SEENREQ(i) -> led[i]=LUNK
  :: led[i]==CLAIMED -> if :: told[i] -> led[i]=was[i] :: else -> led[i]=LUNK fi; tok[i]=0
  :: led[i]==LUNK && told[i] && (was[i]==LSUCC || was[i]==LFAIL) -> led[i]=was[i]
  :: led[i]!=NONE && led[i]!=CLAIMED && led[i]!=LUNK && told[i] && was[i]==LSUCC -> led[i]=LSUCC
  :: else
  fi;
  if :: led[i]==LUNK -> amb[TGT(i)]=1 :: else fi;
  if :: led[i]==LCONT && UNCORRECTED(i) -> con[TGT(i)]=1 :: else fi }
#ifdef MUT_RLOWER                 /* only the highest key of each target that the log shows */
#define CHECKKEY hi=0; k=i+1; do :: k<NT*KK && TGT(k)==TGT(i) -> if :: SEENREQ(k) -> hi=1 :: else fi; k++ :: else -> break od; \
   if :: hi -> hi=0 :: else -> checkkey() fi; k=0
#else
#define CHECKKEY checkkey()
#endif
#ifdef MUT_RCONT                  /* as it was */
#define SAYSALL(i) true
#else                             /* a key above refused content is there because of a correction, which is lost */
#define SAYSALL(i) (led[i]!=LCONT)
#endif
/* The target takes the highest key that the log shows; a key below it that has no row gets one.  Where the result of one of these
 * is not known, a correction or another act of a person may be lost: the target does not continue by itself */
inline checktarget() {
  hi=0; i=x*KK; do :: i<(x+1)*KK -> if :: led[i]!=NONE -> hi=i :: else fi; i++ :: else -> break od;
#ifndef MUT_RNOMOVE
  if
  :: hi>KEY(x) && (st[x]==READY || st[x]==REQ || st[x]==PAUSED || st[x]==UNK || st[x]==CANC || RMOVES(x)) ->
       whole=1; above=1; i=hi; k=KEY(x);
       do :: i>k -> i--;
               if :: i%NG==NG-1 -> above=0 :: else fi;          /* an older attempt: its rounds up to the last one seen */
               if :: led[i]!=NONE -> above=1 :: else fi;
               if :: above || i==k || i%NG==0 ->
                       if :: (told[i] || had[i]) && SAYSALL(i) -> skip :: else -> whole=0 fi;
                       if :: led[i]==NONE -> led[i]=LUNK :: else fi
                  :: else fi
          :: else -> break od;
       k=0; above=0;
       at[x]=(hi-x*KK)/NG; df[x]=hi%NG; cw[x]=0;
#ifdef MUT_RGAP
       whole=1;
#endif
       if :: !whole -> st[x]=PAUSED; rp[x]=1
          :: whole && st[x]!=PAUSED -> st[x]=REQ
          :: else fi
  :: else
  fi;
#endif
  since[x]=COUNTED(x); if :: COUNTED1(x) && since[x]>0 -> since[x]=since[x]-1 :: else fi;
  sx[x]=0; i=x*KK; do :: i<(x+1)*KK -> if :: led[i]==LSUCC -> sx[x]=1 :: else fi; i++ :: else -> break od;
#if CB>0
  if :: cmin[x]>hi -> cmin[x]=scm[x]         /* a correction of which the log shows nothing is lost, as any act of a person: to be repeated */
     :: cmin[x]<=hi && cmin[x]>scm[x] -> old[x]=1
     :: else fi;
  scm[x]=0;
#endif
  hi=0; whole=0; i=0; chg[x]=1 }
inline check() {
#ifndef MUT_RNOCHECK
  i=0; do :: i<NT*KK -> CHECKKEY; i++ :: else -> break od;
  x=0; do :: x<NT -> checktarget(); x++ :: else -> break od;
  x=0;
#else
  i=0; do :: i<NT -> sx[i]=0; i++ :: else -> break od;
  i=0; do :: i<NT*KK -> if :: led[i]==LSUCC -> sx[TGT(i)]=1 :: else fi; i++ :: else -> break od;
  i=0;
#endif
  i=0; do :: i<NT*KK -> was[i]=0; told[i]=0; had[i]=0; i++ :: else -> break od;
  i=0; down=0; snap=0; rb-- }
#define HELDROW(i) + hold[i]
#define STOPPED ((0 ALLROWS(HELDROW))==0 && busy==0)
active proctype Restore() {
  byte i=0, k=0, hi=0, x=0; bit whole=0, above=0, back=0;
end: do
  :: d_step { rb>0 && !snap -> snap=1; save() }
#ifdef MUT_RALIVE                 /* the services reach the restored database before it is checked */
  :: atomic { snap && !back && busy==0 -> ALLROWS(ATELL) d_step { goback(); back=1 } }
  :: d_step { back -> check(); back=0 }
#else
  :: atomic { snap && !down -> down=1 }
  :: atomic { down && STOPPED -> ALLROWS(ATELL) d_step { goback(); check() } }
#endif
  od }
#endif

#if RPB>0
#define MORER || rpb>0
#define NOMORER ; rpb=0
#else
#define MORER
#define NOMORER
#endif
#if IB>0
#define MORE MORER || ib>0
#define NOMORE NOMORER ; ib=0
#else
#define MORE MORER
#define NOMORE NOMORER
#endif
active proctype Env() {
end: do
  :: atomic { quiet -> quiet=0 }
  :: atomic { !quiet && qb>0 -> qb--; quiet=1 }
#if EB>0
  :: atomic { eb>0 -> eb--; if :: dl[0]=EXPD :: dl[0]=EXH fi }
#if NT>1
  :: atomic { eb>0 -> eb--; if :: dl[1]=EXPD :: dl[1]=EXH fi }
#endif
#endif
  :: atomic { STILL && STAYS && (bud>0 || opb>0 || qb>0 || eb>0 || cb>0 || tb>0 || rb>0 MORE) -> rb=0; bud=0; opb=0; qb=0; eb=0; cb=0; tb=0 NOMORE }
  :: atomic { timeout ->
#ifdef WIT
       assert(!(WITNESS));
#endif
       TERM(0); FN(0);
#ifndef AW
       ALLROWS(LROW)
#endif
#if NT>1
       TERM(1); FN(1);
#endif
       break }
  od }
