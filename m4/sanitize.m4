# --enable-sanitize: ASan and UBSan, every finding fatal. Without it, _FORTIFY_SOURCE (the two do not mix).
AC_DEFUN([AN_SANITIZE], [
  AC_ARG_ENABLE([sanitize],
    [AS_HELP_STRING([--enable-sanitize], [build with AddressSanitizer and UndefinedBehaviorSanitizer])],
    [], [enable_sanitize=no])
  AS_IF([test "$enable_sanitize" = yes],
    [AN_CFLAGS="$AN_CFLAGS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
     AN_LDFLAGS="$AN_LDFLAGS -fsanitize=address,undefined"],
    [AN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
  AC_SUBST([AN_CPPFLAGS])
])
